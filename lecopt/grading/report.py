"""The page that a student gets. All that came from the student is escaped; no script runs."""

from __future__ import annotations

from pathlib import Path

import jinja2

from lecopt.grading.store import Grade

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}: {{ grade.student }}</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
  h2 { margin-top: 2rem; border-bottom: 1px solid; }
  ul { list-style: none; padding: 0; }
  li { margin: .5rem 0; padding-left: 1.6rem; text-indent: -1.6rem; }
  li > * { text-indent: 0; }
  .points { float: right; font-weight: normal; }
  .sign { display: inline-block; width: 1.6rem; text-indent: 0; font-weight: bold; }
  pre { overflow-x: auto; padding: .5rem; border: 1px solid; border-radius: 4px; margin: .3rem 0; }
  aside { border-left: 4px solid; padding: .2rem 1rem; margin: 1rem 0; }
  footer { margin-top: 3rem; font-size: .85rem; opacity: .8; }
</style>
<h1>{{ title }} <span class="points">{{ grade.points }} of {{ grade.max }} points</span></h1>
<p>{{ grade.student }}</p>
{%- for problem in grade.problems %}
<aside><strong>Someone will look at this:</strong> {{ problem }}.</aside>
{%- endfor %}
{%- for task in grade.tasks %}
<h2>{{ task.id }} {{ task.title }} <span class="points">{{ task.earned }} of {{ task.points }}</span></h2>
<ul>
{%- for check in task.checks %}
  <li><span class="sign">{{ "✓" if check.passed else "✗" }}</span>
    {{- check.says }} ({{ check.earned }} of {{ check.points }})
  {%- if check.why %}<pre>{{ check.why }}</pre>{% endif %}
  {%- if check.got %}<div>Yours:</div><pre>{{ check.got }}</pre>
    <div>Right:</div><pre>{{ check.wanted }}</pre>{% endif %}
  </li>
{%- endfor %}
</ul>
{%- for error in task.cell_errors %}
<p>A cell of yours stopped with an error:</p><pre>{{ error }}</pre>
{%- endfor %}
{%- if task.looks_like %}
<aside><p><strong>{{ "This looks like" if task.sure else "Partly like this" }}:</strong>
  {{ task.looks_like }}</p>
{%- for hint in task.hints %}
<p>Hint {{ loop.index }}: {{ hint }}</p>
{%- endfor %}</aside>
{%- endif %}
{%- endfor %}
{%- if grade.notes %}
<h2>Notes</h2>
<ul>{% for note in grade.notes %}<li>{{ note }}</li>{% endfor %}</ul>
{%- endif %}
<footer>The checks ran on numbers drawn with seed {{ grade.seed }}. The same seed gives the same
points. <code>lecopt check</code> runs the same checks on other numbers.</footer>
</html>
"""

TEMPLATE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(PAGE)


def write_page(grade: Grade, title: str, path: Path) -> None:
    """Write a student's page, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    text = TEMPLATE.render(grade=grade, title=title)
    draft.write_text(text, encoding="utf-8", errors="replace")
    draft.replace(path)
