"""A run inside this process forgets the modules that it imported: what has state is imported before."""

import importlib
import pkgutil

import microjoule.measuring
import microjoule.recording

for package in (microjoule.measuring, microjoule.recording):
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
