"""JSONata in state machines."""

from __future__ import annotations

from typing import Any

from twin_worlds import World, differs_from_stock

NO_EVALUATOR = "'NoneType' object is not callable"


@differs_from_stock(NO_EVALUATOR)
def test_a_payload_is_built_from_the_input(aws: World) -> None:
    given = {"regions": [{"region": "eu-west-1"}, {"region": "eu-central-1"}], "nothing": None, "one": [1]}
    output = {
        "regions": "{% $states.input.regions.region %}",
        "nothing": "{% $states.input.nothing %}",
        "one": "{% $states.input.one %}",
        "name": "{% $states.context.StateMachine.Name %}",
    }
    found = aws.evaluate(output, given)
    assert found["regions"] == ["eu-west-1", "eu-central-1"]
    assert found["nothing"] is None
    assert found["one"] == [1]
    assert found["name"].startswith("machine-")


@differs_from_stock(NO_EVALUATOR)
def test_awkward_text_survives_unchanged(aws: World) -> None:
    for text in ('quote " and \\ backslash', "new\nline", "{% not an expression", "$states.input", "ü ☃ \u2028", "no"):
        assert aws.evaluate("{% $states.input.text & '' %}", {"text": text}) == text


@differs_from_stock(NO_EVALUATOR)
def test_variables_hold_text_with_quotes(aws: World) -> None:
    states: dict[str, Any] = {
        "A": {"Type": "Pass", "Assign": {"name": "{% $states.input.name %}"}, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% $name & '!' %}", "End": True},
    }
    assert aws.run({"StartAt": "A", "States": states}, {"name": 'The "Team"'}) == 'The "Team"!'


@differs_from_stock(NO_EVALUATOR)
def test_the_functions_of_step_functions_work(aws: World) -> None:
    output = {
        "hash": "{% $hash('abc', 'SHA-256') %}",
        "uuid": "{% $length($uuid()) %}",
        "parse": "{% $parse('{\"a\": [1, null]}').a %}",
        "range": "{% $range(1, 5, 2) %}",
        "partition": "{% $partition([1, 2, 3], 2) %}",
    }
    assert aws.evaluate(output) == {
        "hash": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "uuid": 36,
        "parse": [1, None],
        "range": [1, 3, 5],
        "partition": [[1, 2], [3]],
    }


@differs_from_stock("States.Runtime")
def test_an_undefined_field_is_a_query_evaluation_error(aws: World) -> None:
    states = {"A": {"Type": "Pass", "Output": "{% $states.input.missing %}", "End": True}}
    found = aws.ended(aws.start({"StartAt": "A", "States": states}))
    assert found["status"] == "FAILED"
    assert found["error"] == "States.QueryEvaluationError", found["error"]
    assert "returned nothing (undefined)" in found["cause"]


@differs_from_stock("States.Runtime")
def test_a_failing_expression_is_a_query_evaluation_error(aws: World) -> None:
    states = {"A": {"Type": "Pass", "Output": "{% $number('x') %}", "End": True}}
    assert aws.ended(aws.start({"StartAt": "A", "States": states}))["error"] == "States.QueryEvaluationError", (
        "States.Runtime"
    )


@differs_from_stock(NO_EVALUATOR)
def test_a_caught_error_is_readable(aws: World) -> None:
    states: dict[str, Any] = {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Arguments": {"QueueUrl": "http://127.0.0.1/1/none", "MessageBody": "x"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "B"}],
            "End": True,
        },
        "B": {"Type": "Pass", "End": True},
    }
    assert "SQS" in aws.run({"StartAt": "A", "States": states}).upper()


@differs_from_stock(NO_EVALUATOR)
def test_a_map_over_regions_keeps_their_order(aws: World) -> None:
    inner = {
        "StartAt": "B",
        "States": {"B": {"Type": "Pass", "Output": "{% $states.input.r & $suffix %}", "End": True}},
    }
    states: dict[str, Any] = {
        "V": {"Type": "Pass", "Assign": {"suffix": "!"}, "Next": "M"},
        "M": {"Type": "Map", "Items": "{% $states.input.items %}", "ItemProcessor": inner, "End": True},
    }
    found = aws.run({"StartAt": "V", "States": states}, {"items": [{"r": "a"}, {"r": "b"}]})
    assert found == ["a!", "b!"]


@differs_from_stock(NO_EVALUATOR)
def test_a_jsonpath_state_reads_a_variable_with_quotes(aws: World) -> None:
    states: dict[str, Any] = {
        "A": {"Type": "Pass", "Assign": {"name.$": "$.name"}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"is.$": "$name"}, "End": True},
    }
    found = aws.run({"QueryLanguage": "JSONPath", "StartAt": "A", "States": states}, {"name": 'The "Team"'})
    assert found == {"is": 'The "Team"'}
