"""SAM to CloudFormation, with inlined what a template names by its file: a state machine, the template of a StackSet."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

from berth_local.faults import LocalError

# The code is not uploaded anywhere: the Lambda host runs the binaries from the build folder.
_NO_CODE = "s3://berth-local/no-code"


def translate(template: Path, region: str) -> dict[str, Any]:
    """The CloudFormation template that AWS would make of `template`: by aws-sam-translator when it is SAM, and else itself.

    Raises:
        LocalError: the file is missing or is not a SAM template.
    """
    document = _read(template)
    for logical_id, resource in document["Resources"].items():
        _make_local(logical_id, resource, template.parent)
    return _transformed(template, document, region) if "Transform" in document else document


def _transformed(template: Path, document: dict[str, Any], region: str) -> dict[str, Any]:
    # Costs most of a second, so only those who translate pay for it.
    import boto3
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template

    # It would tell people that its metrics are not published. Nobody publishes them.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
    # The same steps as samtranslator's own `transform`, which has no parameter for the region. Parameters stay
    # references: the loader gives them their values.
    values: dict[str, str] = {}
    to_py27_compatible_template(document, values)
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=region))
    try:
        return undo_mark_unicode_str_in_template(translator.translate(document, parameter_values=values))
    except InvalidDocumentException as error:
        raise LocalError(f"{template} is not a valid SAM template: {_causes(error)}") from error


def _read(template: Path) -> dict[str, Any]:
    from yaml import YAMLError, load

    try:
        document = load(template.read_text(), _loader())
    except OSError as error:
        raise LocalError(f"cannot read the template {template}: {error.strerror}") from error
    except YAMLError as error:
        raise LocalError(f"{template} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise LocalError(f"{template} has no Resources")
    return document


@cache
def _loader() -> type[Any]:
    """Reads YAML with libyaml, ten times as fast as samtranslator's own loader, and intrinsic functions as that does."""
    import yaml
    from samtranslator.yaml_helper import intrinsics_multi_constructor

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.add_multi_constructor("!", intrinsics_multi_constructor)
    return Loader


def _make_local(logical_id: str, resource: dict[str, Any], folder: Path) -> None:
    """Replaces what `sam build` and `sam package` would have replaced."""
    properties = resource.get("Properties", {})
    match resource.get("Type"):
        case "AWS::Serverless::Function":
            properties["CodeUri"] = _NO_CODE
        case "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = _NO_CODE
        case "AWS::Serverless::StateMachine":
            if isinstance(properties.get("DefinitionUri"), str):
                properties["Definition"] = _definition(logical_id, folder / properties.pop("DefinitionUri"))
        case "AWS::CloudFormation::StackSet":
            if "TemplateURL" in properties:
                properties["TemplateBody"] = _body(logical_id, folder / properties.pop("TemplateURL"))


def _definition(logical_id: str, path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise LocalError(f"{logical_id}: the state machine {path.resolve()} cannot be read: {error}") from error


def _body(logical_id: str, path: Path) -> str:
    """The template that a StackSet deploys. Service-managed ones know no transforms."""
    document = _read(path)
    if "Transform" in document:
        raise LocalError(f"{logical_id}: {path.name} has a Transform, which service-managed StackSets refuse")
    return json.dumps(document)


def _causes(error: Any) -> str:
    return "; ".join(cause.message for cause in error.causes) or error.message
