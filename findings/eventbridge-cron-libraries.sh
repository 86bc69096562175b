#!/usr/bin/env bash
# A library for EventBridge's cron runs "the 31st" also on the 1st of December and the 3rd of March, and leap day each year.
#
# Seen with aws-cron-parser 1.1.12 (Node, over 100,000 downloads a month), pyawscron 1.0.7 and aws-croniter 2.1.1. They tell the next
# runs of a rule: for a page, a test, or an alarm on the run that did not come. Of a day that a month does not have, aws-cron-parser
# makes the days after its end, pyawscron an error, even for every fifth day when it is asked in November. None knows the last day of
# a week, an L that EventBridge's guide lists beside the last day of a month, and aws-croniter refuses the guide's `/` in years.
# Ask AWS: a schedule's next ten runs are on its page in the console. Or give days that every month has.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund aws-cron-parser@1.1.12 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check pyawscron==1.0.7 aws-croniter==2.1.1
cat >runs.js <<'JS'
const parser = require("aws-cron-parser").default ?? require("aws-cron-parser")
const runs = {}
for (const expression of JSON.parse(process.argv[2])) {
  try {
    const cron = parser.parse(expression), next = []
    for (let run = new Date("2026-11-30T12:00:00Z"); next.length < 4; next.push(run.toISOString().slice(0, 10))) run = parser.next(cron, run)
    runs[expression] = next
  } catch { runs[expression] = "error" }
}
console.log(JSON.stringify(runs))
JS
cat >compare.py <<'PY'
import json
import subprocess
from datetime import datetime, timedelta, timezone

from aws_croniter import AwsCroniter
from pyawscron import AWSCron

NOON = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
DAYS = {  # each expression, and whether EventBridge's guide has it run on a day
    "0 10 31 * ? *": lambda day: day.day == 31,
    "0 10 29 2 ? *": lambda day: (day.month, day.day) == (2, 29),
    "0 10 1/5 * ? *": lambda day: day.day % 5 == 1,
    "0 10 ? * L *": lambda day: day.isoweekday() == 6,
    "0 10 1 1 ? 2027/2": lambda day: (day.month, day.day) == (1, 1) and day.year % 2 == 1,
    "0 10 L * ? *": lambda day: (day + timedelta(days=1)).day == 1,
    "0 10 ? * 6#3 *": lambda day: day.isoweekday() == 5 and 15 <= day.day <= 21,
}


def by_the_guide(is_run):
    days = (NOON + timedelta(days=number) for number in range(1, 6000))
    return [f"{day:%Y-%m-%d}" for day in days if is_run(day)][:4]


def pyawscron(expression):
    cron, run, runs = AWSCron(expression), NOON, []
    while len(runs) < 4:
        run = cron.occurrence(run).next()
        runs.append(f"{run:%Y-%m-%d}")
    return runs


def aws_croniter(expression):
    return [f"{run:%Y-%m-%d}" for run in AwsCroniter(expression).get_next(NOON, 4)]


def answer(library, expression):
    try:
        return library(expression)
    except Exception:
        return "error"


ran = subprocess.run(["node", "runs.js", json.dumps(list(DAYS))], capture_output=True, text=True, check=True)
node, other = json.loads(ran.stdout), {}
for expression, is_run in DAYS.items():
    days = by_the_guide(is_run)
    print(f"cron({expression}): {', '.join(days)}")
    answers = {"aws-cron-parser": node[expression]}
    answers |= {library.__name__: answer(library, expression) for library in (pyawscron, aws_croniter)}
    for library, said in answers.items():
        if said != days:
            print(f"  {library}: {said if said == 'error' else ', '.join(said)}")
            other.setdefault(library, {})[expression] = said
assert other == {
    "aws-cron-parser": {
        "0 10 31 * ? *": ["2026-12-01", "2026-12-31", "2027-01-31", "2027-03-03"],
        "0 10 29 2 ? *": ["2027-03-01", "2028-02-29", "2029-03-01", "2030-03-01"],
        "0 10 ? * L *": "error",
    },
    "pyawscron": {"0 10 31 * ? *": "error", "0 10 29 2 ? *": "error", "0 10 1/5 * ? *": "error", "0 10 ? * L *": "error"},
    "aws_croniter": {"0 10 ? * L *": "error", "0 10 1 1 ? 2027/2": "error"},
}, f"that has changed: {other}"
PY
venv/bin/python compare.py
