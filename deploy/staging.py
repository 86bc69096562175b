"""The hub's template as it is deployed: each function's code is its zip, and the layer holds the platform.yaml of the installation.

The template itself stays as it is: only paths are replaced, in YAML's own tree, so that every tag of CloudFormation survives.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from installation import INFRA, Refused

_FUNCTION = "AWS::Serverless::Function"
_LAYER = "AWS::Serverless::LayerVersion"
_MACHINE = "AWS::Serverless::StateMachine"


def stage(platform: Path, zips: Path, folder: Path) -> Path:
    """Writes the template and what it names into a folder; the template's path.

    Raises:
        Refused: a zip is missing.
    """
    layer = folder / "platform"
    shutil.rmtree(layer, ignore_errors=True)
    layer.mkdir(parents=True)
    shutil.copyfile(platform, layer / "platform.yaml")
    tree = yaml.compose((INFRA / "hub.yaml").read_text())
    for _, resource in _member(tree, "Resources").value:
        properties = _member(resource, "Properties")
        match _member(resource, "Type").value:
            case kind if kind == _FUNCTION:
                binary = _member(_member(_member(resource, "Metadata"), "BuildProperties"), "Binary").value
                archive = zips / f"{binary}.zip"
                if not archive.is_file():
                    raise Refused(f"{archive} is missing", "run `make build`")
                _set(properties, "CodeUri", archive)
            case kind if kind == _LAYER:
                _set(properties, "ContentUri", layer)
            case kind if kind == _MACHINE:
                _set(properties, "DefinitionUri", INFRA / _member(properties, "DefinitionUri").value)
    template = folder / "hub.yaml"
    template.write_text(yaml.serialize(tree, width=1 << 16))
    return template


def _member(node: yaml.Node, name: str) -> yaml.Node:
    return next(value for key, value in node.value if key.value == name)


def _set(node: yaml.Node, name: str, path: Path) -> None:
    node.value = [(key, value) for key, value in node.value if key.value != name]
    text = "tag:yaml.org,2002:str"
    node.value.append((yaml.ScalarNode(text, name), yaml.ScalarNode(text, str(path.resolve()))))
