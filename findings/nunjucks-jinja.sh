#!/usr/bin/env bash
# A cookiecutter template renders in Backstage, too, but with Nunjucks: an empty list is true, True is nothing, a loop over tags is empty.
#
# Seen with nunjucks 3.2.4, in which Backstage's scaffolder renders (also `fetch:template` with cookiecutterCompat), beside Jinja2
# 3.1.6, which cookiecutter, Copier and Ansible use, and minijinja 3.1.0, made in Rust, which answers as Jinja2 in all of these. Each
# of the templates is one for both, and neither fails. But Nunjucks has JavaScript's idea of truth and of equality, and no True; a
# number with an exponent and an index of -1 are empty text; a loop over a mapping has no turns; and what is set in a loop stays set.
# So a manifest for a tenant comes out whole, without its owners' part, its labels, or with another count. Render one set of answers
# with both and compare, or ask `x | length > 0`, `x == true`, `x | last`.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund nunjucks@3.2.4 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check jinja2==3.1.6 minijinja==3.1.0
cat >render.js <<'JS'
const nunjucks = require("nunjucks"), [templates, answers] = JSON.parse(process.argv[2])
const environment = new nunjucks.Environment(null, { autoescape: false })
console.log(JSON.stringify(templates.map(template => environment.renderString(template, answers))))
JS
cat >compare.py <<'PY'
import json
import subprocess

import jinja2
import minijinja

ANSWERS = {
    "owners": [], "stages": ["dev", "test", "prod"], "tags": {"team": "a", "cost": "4711"}, "shared": True, "slot": 1, "quota": -7,
}
TEMPLATES = {  # each, with what Jinja2 and what Nunjucks makes of it
    "{% if owners %}owners{% else %}nobody{% endif %}": ("nobody", "owners"),
    "{% if shared == True %}shared{% else %}alone{% endif %}": ("shared", "alone"),
    "{% for name in tags %}{{ name }} {% endfor %}": ("team cost ", ""),
    "{{ stages[-1] }}": ("prod", ""),
    "{% set n = 0 %}{% for stage in stages %}{% set n = n + 1 %}{% endfor %}{{ n }}": ("0", "3"),
    "{{ 'same' if slot == '1' else 'other' }}": ("other", "same"),
    "{{ '%' if quota % 3 == 2 else 'none' }}": ("%", "none"),
    "{{ '10.' * 2 }}": ("10.10.", "20"),
    "{{ 1e3 | int }}": ("1000", ""),
    "{{ shared }}": ("True", "true"),
    "{{ stages | join(',') }}": ("dev,test,prod", "dev,test,prod"),
    "{% if owners | length > 0 %}owners{% else %}nobody{% endif %}": ("nobody", "nobody"),
    "{% if shared == true %}shared{% else %}alone{% endif %}": ("shared", "shared"),
    "{{ stages | last }}": ("prod", "prod"),
}
asked = json.dumps([list(TEMPLATES), ANSWERS])
nunjucks = json.loads(subprocess.run(["node", "render.js", asked], capture_output=True, text=True, check=True).stdout)
for (template, expected), by_nunjucks in zip(TEMPLATES.items(), nunjucks):
    by_jinja = jinja2.Environment().from_string(template).render(ANSWERS)
    by_minijinja = minijinja.Environment().render_str(template, **ANSWERS)
    print(f"{template}\n  Jinja2 {by_jinja!r}, minijinja {by_minijinja!r}, Nunjucks {by_nunjucks!r}")
    assert by_minijinja == by_jinja, "minijinja has changed"
    assert (by_jinja, by_nunjucks) == expected, "that has changed: this finding is out of date"
PY
venv/bin/python compare.py
