"""How far each part of an execution has come, so that a redrive repeats no part that had ended.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
A redrive goes on at the failed state; of a Parallel or an inline Map it runs again only the branches and iterations that
failed or were stopped, each from the state that it was in. Stock moto remembers nothing of that. Here every part (the
machine itself, each branch, each iteration) notes the state that it entered last, with its input and variables, and its
output once it has ended.
"""

from __future__ import annotations

import copy
import datetime
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.inline_item_processor_worker import (
    InlineItemProcessorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator.inline_iterator_worker import (
    InlineIteratorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import Job
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import BranchWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
    BranchWorkerPool,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.state_continue_with import ContinueWithEnd
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError
from moto.utilities.collections import select_from_typed_dict

from berth_local.aws.replacing import wrap


@dataclass
class Progress:
    """How far one part has come: the machine itself, a branch of a Parallel, or an iteration of a Map."""

    state: str | None = None
    input: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    ended: bool = False
    output: Any = None
    # Branches or iterations of `state`, by number.
    parts: dict[int, Progress] = field(default_factory=dict)
    # Set by a redrive: this part starts at `state`, and its parts are kept.
    goes_on: bool = False
    keeps_parts: bool = False

    def to_redrive(self) -> Progress:
        """A copy to go on from. A copy, because threads of the run before may still write into this one."""
        part = copy.copy(self)
        part.parts = {number: each.to_redrive() for number, each in list(self.parts.items())}
        part.goes_on = part.keeps_parts = not self.ended and self.state is not None
        return part

    def part(self, number: int) -> Progress:
        """One branch or iteration."""
        return self.parts.setdefault(number, Progress())

    def enters(self, state: str, value: Any, variables: dict[str, Any]) -> None:
        """The part has entered a state."""
        self.state, self.input, self.variables = state, copy.deepcopy(value), dict(variables)

    def begins_parts(self) -> None:
        """The state runs its parts: for the first time or as a retry, then all; after a redrive, only the rest."""
        if not self.keeps_parts:
            self.parts = {}
        self.keeps_parts = False


def of(env: Environment) -> Progress:
    """The progress of the part that `env` belongs to."""
    if not hasattr(env, "progress"):
        env.progress = Progress()
    found: Progress = env.progress
    return found


class Pool(BranchWorkerPool):
    """Knows which branch failed first: the Parallel fails with it, and its history names that failure."""

    failed: Environment | None = None

    def on_terminated(self, env: Environment) -> None:
        """A branch has ended. Stock asks outside of the lock whether another one failed, and takes the last failure."""
        with self._mutex:
            if self._termination_event.is_set():
                return
            state = env.program_state()
            if isinstance(state, ProgramError):
                self.failed = env
                self._terminated_with_error = select_from_typed_dict(ExecutionFailedEventDetails, state.error or {})
            else:
                self._active_workers_num -= 1
            if self.failed is not None or self._active_workers_num == 0:
                self._termination_event.set()


def branches(self: BranchesDecl, env: Environment) -> None:
    """Takes the place of BranchesDecl._eval_body: runs the branches of a Parallel that have not ended."""
    value, progress = env.stack.pop(), of(env)
    progress.begins_parts()
    parts = [progress.part(number) for number in range(len(self.programs))]
    left = [(program, part) for program, part in zip(self.programs, parts, strict=True) if not part.ended]
    pool, workers = Pool(workers_num=len(left)), []
    for program, part in left:
        frame = env.open_inner_frame()
        frame.states.reset(input_value=value)
        frame.progress = part
        worker = BranchWorker(branch_worker_comm=pool, program=program, env=frame)
        workers.append(worker)
        worker.start()
    if workers:
        pool.wait()
    problem = pool.get_exit_event_details()
    for worker in workers:
        if problem is not None:
            worker.stop(stop_date=datetime.datetime.now(), cause=None, error=None)
        env.close_frame(worker.env)
    if problem is not None:
        if pool.failed is not None:
            # What goes before ParallelStateFailed is the failure, and not what another branch wrote last.
            env.event_history_context.source_event_id = pool.failed.event_history_context.source_event_id
        raise _failed(env, problem)
    env.stack.append([copy.deepcopy(part.output) for part in parts])


def _failed(env: Environment, problem: ExecutionFailedEventDetails) -> FailureEventException:
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=CustomErrorName(error_name=problem.get("error")),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=EventDetails(executionFailedEventDetails=problem),
        )
    )


def iteration(original: Any, self: InlineItemProcessorWorker, env: Environment, job: Job) -> None:
    """Runs one iteration of an inline Map, unless it has ended."""
    part = of(env).part(job.job_index)
    if part.ended:
        job.job_output = copy.deepcopy(part.output)
        return
    env.progress = part
    original(self, env=env, job=job)


def run(original: Any, self: Program, env: Environment) -> None:
    """Runs a part: from its start, or after a redrive from the state that it was in."""
    progress = of(env)
    if not progress.goes_on or progress.state not in self.states.states:
        progress.goes_on = False
        original(self, env)
        return
    rest = copy.copy(self)
    rest.start_at = StartAt(start_at_name=progress.state)
    env.states.reset(input_value=copy.deepcopy(progress.input))
    env.variable_store._inner_scope.update(progress.variables)
    env.variable_store._variable_declarations_cache = None
    original(rest, env)


def enter(original: Any, self: CommonStateField, env: Environment) -> None:
    """Notes the state that a part enters."""
    progress = of(env)
    if not progress.goes_on:
        progress.keeps_parts = False
    progress.goes_on = False
    progress.enters(self.name, env.states.get_input(), env.variable_store._inner_scope)
    original(self, env)


def leave(original: Any, self: CommonStateField, env: Environment) -> None:
    """Notes that a part has ended. (moto also calls the parts ended that run while another part fails.)"""
    was_running = env.is_running()
    original(self, env)
    if was_running and isinstance(self.continue_with, ContinueWithEnd):
        progress = of(env)
        progress.output = copy.deepcopy(env.states.get_input())
        progress.ended = True


def install() -> None:
    """Note progress everywhere, and run branches and iterations by it."""

    @wrap(Environment, "open_frame")
    def open_frame(original: Any, self: Environment, *args: Any, **fields: Any) -> Environment:
        frame: Environment = original(self, *args, **fields)
        frame.progress = of(self)
        return frame

    @wrap(Environment, "open_inner_frame")
    def open_inner_frame(original: Any, self: Environment, *args: Any, **fields: Any) -> Environment:
        frame: Environment = original(self, *args, **fields)
        frame.progress = of(self)
        return frame

    @wrap(InlineIterationComponent, "_eval_body")
    def iterations(original: Any, self: InlineIterationComponent, env: Environment) -> None:
        of(env).begins_parts()
        original(self, env)

    BranchesDecl._eval_body = branches
    wrap(InlineItemProcessorWorker, "_eval_job")(iteration)
    wrap(InlineIteratorWorker, "_eval_job")(iteration)
    wrap(Program, "eval")(run)
    wrap(CommonStateField, "_eval_body")(enter)
    wrap(CommonStateField, "_set_next")(leave)
