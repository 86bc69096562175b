"""Service models of botocore, found without looking through all of them, and endpoints, read once.

Botocore asks the disk for each of its four hundred services, in each of its folders, before it loads one of them, and does
so again for each loader: a tenth of a second, and moto makes a loader for each service.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader, instance_cache

_stock = Loader.load_service_model
_load_file = JSONFileLoader.load_file
_shared: dict[str, Any] = {}


@instance_cache
def load_service_model(self: Loader, service_name: str, type_name: str, api_version: str | None = None) -> Any:
    """A service's model. Stock says what is wrong when there is none."""
    if not any(Path(folder, service_name).is_dir() for folder in self.search_paths):
        return _stock(self, service_name, type_name, api_version)
    try:
        version = api_version or self.determine_latest_version(service_name, type_name)
        model = self.load_data(f"{service_name}/{version}/{type_name}")
    except DataNotFoundError:
        return _stock(self, service_name, type_name, api_version)
    self._extras_processor.process(model, self._find_extras(service_name, type_name, version))
    return model


def load_file(self: JSONFileLoader, file_path: str) -> Any:
    """A file of botocore's data. What is about no single service is kept: each session reads it anew, and moto makes some."""
    if Path(file_path).name not in ("endpoints", "partitions"):
        return _load_file(self, file_path)
    if file_path not in _shared:
        _shared[file_path] = _load_file(self, file_path)
    return _shared[file_path]


def install() -> None:
    """For every loader of this process."""
    JSONFileLoader.load_file = load_file
    Loader.load_service_model = load_service_model
