"""Options of commands from the sections: the same types, bounds, defaults and meanings, and a lossless round trip."""

import argparse
import shlex

import pytest
from places import CONFIG

from quench.config.base import tables
from quench.config.external import External
from quench.config.scenario import load_files, resolve
from quench.config.sections import Data, Ensemble, Run, Scenario
from quench.errors import QuenchError
from quench.pipeline.arguments import add_section, flags, read_section

SHIPPED = [[], ["smoke.yaml"], ["cifar.yaml"], ["thorough.yaml"], ["laptop.yaml"], ["paper.yaml"]]


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise QuenchError(message)


def parser(section, **without):
    made = Parser()
    add_section(made, section, **without)
    return made


@pytest.mark.parametrize("overlays", SHIPPED, ids=lambda names: names[-1] if names else "config.yaml")
def test_options_of_every_entry_read_back_as_the_same_entry(overlays):
    scenario = load_files([CONFIG / name for name in ["config.yaml", *overlays]])
    entries = [entry for table in tables(Scenario) for entry in getattr(scenario, table).values()]
    for entry in entries:
        args = parser(type(entry)).parse_args(shlex.split(flags(**entry.options())))
        planned = {name: value for name, value in dict(entry).items() if name not in type(entry).nested(vars(args))}
        assert read_section(args, type(entry), **planned) == entry


def test_inner_sections_are_given_as_options_of_their_own():
    run = {"ensemble": "warm", "temperatures": [0.1], "chi": 3}
    words = ["--step-size", "0.1", "--waiting-times", "5,7-9", "--lag-max", "20"]
    read = parser(Run).parse_args([*words, "--anneal-start", "0.5", "--anneal-updates", "50"])
    section = read_section(read, Run, **run)
    assert section.anneal.model_dump() == {"start": 0.5, "updates": 50, "form": "linear"}
    assert section.waiting_times == (5, 7, 8, 9)
    assert read_section(parser(Run).parse_args(words), Run, **run).anneal is None
    with pytest.raises(QuenchError, match=r"--anneal-updates: field required"):
        read_section(parser(Run).parse_args([*words, "--anneal-start", "0.5"]), Run, **run)


def test_switch_that_is_on_has_an_option_to_turn_it_off():
    for words, on in ((["--chi", "3"], True), (["--chi", "3", "--hidden-only"], False)):
        section = read_section(parser(External).parse_args(words), External, snapshots=["a.nc"])
        assert section.include_output_layer is on
    text = " ".join(parser(External).format_help().split())
    assert "--hidden-only do not include the output layer's weights" in text and "--include" not in text


def test_defaults_units_and_meanings_are_those_of_the_section():
    text = " ".join(parser(Ensemble).format_help().split())
    for words in ("--depth DEPTH hidden layers (default: 6)", "(default: 0.0)", "[samples] (default: 100)"):
        assert words in text
    assert "--seeds" not in text and "--dataset" not in text
    assert "--depth" not in parser(Ensemble, without={"depth"}).format_help()
    given = parser(Ensemble).parse_args(["--width", "4", "--learning-rate", "0.1", "--epochs", "3"])
    section = Ensemble(dataset="x", width=4, sgd={"learning_rate": 0.1, "epochs": 3})
    assert vars(given) == section.options()


@pytest.mark.parametrize(
    "section, words, reason",
    [
        (Ensemble, "--width 0", "argument --width: '0' is out of range: at least 1"),
        (Ensemble, "--width ten", "'ten' is not an integer"),
        (Ensemble, "--width 1.5", "'1.5' is not an integer"),
        (Ensemble, "--weight-decay x", "'x' is not a number"),
        (Ensemble, "--weight-decay nan", "'nan' is out of range: not finite"),
        (Ensemble, "--learning-rate 0", "'0' is out of range: more than 0"),
        (Ensemble, "--polish 5:0", "'0' is out of range: more than 0"),
        (Ensemble, "--polish 5", "'5' has too few values"),
        (Ensemble, "--loss l2", "invalid choice: 'l2'"),
        (Run, "--momentum 1", "'1' is out of range: less than 1"),
        (Run, "--betas 0.9", "'0.9' has too few values"),
        (Run, "--waiting-times 3-1", "starts with its smaller end"),
        (Run, "--waiting-times=-1", "not a whole number"),
        (
            Data,
            "--source mnist6k",
            "'mnist6k' is not 'mnist5k', 'mnist', 'cifar10' or 'cifar100' (did you mean 'mnist5k'?)",
        ),
    ],
)
def test_mistakes_are_refused_in_one_line(section, words, reason):
    with pytest.raises(QuenchError) as caught:
        parser(section).parse_args(words.split())
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_every_bound_of_every_key_holds_for_its_option():
    """As many bounds as the JSON schema of the configuration has for keys of jobs."""
    checked = 0
    for section in {*tables(Scenario).values()}:
        properties = section.model_json_schema()["properties"]
        for name in section.option_fields():
            for key, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1), ("exclusiveMaximum", 0)):
                bound = properties.get(name, {}).get(key)
                if bound is None:
                    continue
                checked += 1
                with pytest.raises(QuenchError, match="out of range"):
                    parser(section).parse_args([f"--{name.replace('_', '-')}={bound + step}"])
    assert checked > 30


def test_flags_leave_out_what_is_not_set():
    assert flags(a=None, b=False, c=(), d=True, e=0.0, f=(1, 2), g=((1, 0.5), (2, 0.1)), h="two words") == (
        "--d --e 0.0 --f 1,2 --g 1:0.5,2:0.1 --h 'two words'"
    )


def test_keys_that_plan_jobs_are_no_options():
    scenario = resolve({"data": {"digits": {}}, "ensembles": {"a": {"dataset": "digits", "width": 4, "chunk": 2,
                        "sgd": {"learning_rate": 0.1, "epochs": 1}}}})  # fmt: skip
    assert not {"dataset", "seeds", "first_seed", "chunk"} & scenario.ensembles["a"].options().keys()
