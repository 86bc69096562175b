#!/usr/bin/env bash
# On the night that has no 02:30 EventBridge Scheduler runs nothing: three cron libraries foresee a run, at two different times.
#
# Seen with cron-parser 5.10.6 and croner 11.0.1 for Node and croniter 7.0.0 for Python, beside what the guide of EventBridge Scheduler
# says of schedules in a time zone: what falls on a time that is left out is skipped, what falls on one that comes twice runs once.
# cron-parser moves the run to 03:30, the others to 03:00. Of a run at every second hour croner leaves that one out, and the others have
# it at 3. In autumn croniter runs 02:30 twice, and so the two libraries of one language differ from each other, and each from the
# guide somewhere. On all other days the answers are the same, so a page of next runs, or an alarm on the run that did not come, is
# wrong two nights a year. Put such schedules in UTC, or outside the hours from 1 to 4.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund cron-parser@5.10.6 croner@11.0.1 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check croniter==7.0.0 tzdata==2026.6
cat >runs.mjs <<'JS'
import { CronExpressionParser } from "cron-parser"
import { Cron } from "croner"

const ZONE = "Europe/Berlin", stamp = run => run.toISOString().slice(0, 16)
const runs = JSON.parse(process.argv[2]).map(([expression, after, count]) => {
  const parsed = CronExpressionParser.parse(expression, { currentDate: after, tz: ZONE })
  return {
    "cron-parser": Array.from({ length: count }, () => stamp(parsed.next().toDate())),
    croner: new Cron(expression, { timezone: ZONE }).nextRuns(count, new Date(after)).map(stamp),
  }
})
console.log(JSON.stringify(runs))
JS
cat >compare.py <<'PY'
import json
import subprocess
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from croniter import croniter

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = "2027-03-27T22:10:00Z", "2026-10-24T22:10:00Z"  # ten past eleven, and ten past midnight, of the night
CASES = {  # what is asked, what each foresees, in UTC, and what follows from the guide's words
    ("30 2 * * *", SPRING, 2): {
        "cron-parser": ["03-28T01:30", "03-29T00:30"], "croner": ["03-28T01:00", "03-29T00:30"],
        "croniter": ["03-28T01:00", "03-29T00:30"], "the guide": ["03-29T00:30", "03-30T00:30"],
    },
    ("30 2 * * *", AUTUMN, 2): {
        "cron-parser": ["10-25T00:30", "10-26T01:30"], "croner": ["10-25T00:30", "10-26T01:30"],
        "croniter": ["10-25T00:30", "10-25T01:30"], "the guide": ["10-25T00:30", "10-26T01:30"],
    },
    ("0 2-3 * * *", AUTUMN, 3): {
        "cron-parser": ["10-25T00:00", "10-25T02:00", "10-26T01:00"], "croner": ["10-25T00:00", "10-25T01:00", "10-25T02:00"],
        "croniter": ["10-25T00:00", "10-25T01:00", "10-25T02:00"], "the guide": ["10-25T00:00", "10-25T02:00", "10-26T01:00"],
    },
    ("0 */2 * * *", SPRING, 3): {
        "cron-parser": ["03-27T23:00", "03-28T01:00", "03-28T02:00"], "croner": ["03-27T23:00", "03-28T02:00", "03-28T04:00"],
        "croniter": ["03-27T23:00", "03-28T01:00", "03-28T02:00"], "the guide": ["03-27T23:00", "03-28T02:00", "03-28T04:00"],
    },
    ("30 4 * * *", SPRING, 2): dict.fromkeys(["cron-parser", "croner", "croniter", "the guide"], ["03-28T02:30", "03-29T02:30"]),
}


def python(expression, after, count):
    runs = croniter(expression, datetime.fromisoformat(after.replace("Z", "+00:00")).astimezone(BERLIN))
    return [f"{runs.get_next(datetime).astimezone(timezone.utc):%Y-%m-%dT%H:%M}" for _ in range(count)]


ran = subprocess.run(["node", "runs.mjs", json.dumps(list(CASES))], capture_output=True, text=True, check=True)
for (asked, expected), node in zip(CASES.items(), json.loads(ran.stdout)):
    seen = {library: [run[5:] for run in runs] for library, runs in (node | {"croniter": python(*asked)}).items()}
    print(f"{asked[0]} in {BERLIN}, after {asked[1]}, in UTC:")
    for who, runs in (seen | {"the guide": expected["the guide"]}).items():
        print(f"  {who:11} {', '.join(runs)}")
    assert seen == {library: runs for library, runs in expected.items() if library != "the guide"}, "that has changed"
PY
venv/bin/python compare.py
