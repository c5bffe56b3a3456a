"""Declared inputs: one pydantic model per section, scenario overlays, the generated schema."""
