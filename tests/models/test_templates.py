"""Chat templates of folders from elsewhere: one line for what cannot be used, no code is run."""

import json
import sys
import time
from pathlib import Path

import pytest
from replicas import linked

from grit.core.errors import GritError
from grit.models.setup import load_skeleton

IMAGE = "{{'<|vision_start|><|image_pad|><|vision_end|>'}}"
TEXT = "{{ messages[0]['content'][1]['text'] }}"
RUN = "touch MARK"
BAD = {
    "no Jinja": "{% if %}",
    "cut off": "{% for message in messages %}{{ message",
    "raises": "{{ raise_exception('only for friends') }}",
    "divides": "{{ 1 / 0 }}",
    "nothing there": "{{ messages.nothing.at.all }}",
    "a type": "{{ 1 + 'a' }}",
    "recursion": "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    "loops": (
        "{% for a in range(90000) %}{% for b in range(90000) %}"
        "{% if b == -1 %}x{% endif %}{% endfor %}{% endfor %}"
    ),
    "a long range": "{% for a in range(10 ** 9) %}{% endfor %}",
    "endless text": IMAGE + TEXT + "{{ 'a' * 10000000 }}",
    "no image": TEXT,
    "no text": IMAGE,
    "two images": IMAGE + IMAGE + TEXT,
    "nothing": "{{ '' }}",
    "classes": IMAGE + TEXT + "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": f"{{{{ cycler.__init__.__globals__.os.system('{RUN}') }}}}",
    "lipsum": f"{{{{ lipsum.__globals__['os'].popen('{RUN}').read() }}}}",
    "attr": f"{{{{ (lipsum|attr('__globals__'))['os'].popen('{RUN}').read() }}}}",
    "import": f"{{{{ self.__init__.__globals__.__builtins__.__import__('os').system('{RUN}') }}}}",
    "format": "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
    "changes": "{{ messages.append(1) }}",
}


def folder_with(replica, place: Path, template: str) -> Path:
    folder = linked(replica("qwen"), place, without=["chat_template.json", "chat_template.jinja"])
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").unlink()
    settings["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("kind", BAD)
def test_a_template_that_cannot_be_used_is_one_line(replica, tmp_path, monkeypatch, kind) -> None:
    monkeypatch.chdir(tmp_path)
    folder = folder_with(replica, tmp_path / "own", BAD[kind])
    start = time.monotonic()
    with pytest.raises(GritError) as raised:
        load_skeleton(str(folder)).templated("\nQuestion: Why?")
    line = str(raised.value)
    assert line.startswith(f"{folder}: its chat template cannot be used: ")
    assert "\n" not in line
    assert len(line) < 350 + len(str(folder))
    assert time.monotonic() - start < 30
    assert not (tmp_path / "MARK").exists()


def test_a_template_of_ones_own_is_used(replica, tmp_path) -> None:
    former = sys.gettrace()
    folder = folder_with(replica, tmp_path / "own", f"<|im_start|>user\n{IMAGE}{TEXT}")
    prompt = load_skeleton(str(folder)).templated("\nQuestion: Why?")
    assert prompt == (
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>\nQuestion: Why?"
    )
    assert sys.gettrace() is former


def test_a_think_tag_that_the_template_opens_is_left_to_the_model(replica, tmp_path) -> None:
    """As in Qwen3-VL's thinking models: format rewards read completions alone."""
    tail = "<|im_end|>\n<|im_start|>assistant\n"
    folder = folder_with(replica, tmp_path / "own", f"{IMAGE}{TEXT}{tail}<think>\n")
    assert load_skeleton(str(folder)).templated("Why <think>?").endswith(f"Why <think>?{tail}")
