"""Wrong commands: values that cannot work, and settings that would change nothing."""

import pytest
from desk import Desk
from wrong_commands import Wrong, alone, check, wrong

TRAINS_NOTHING = "trains nothing"
VALUES = [
    alone(wrong("training.beta=-1", says=("training.beta", "-1"))),
    wrong("training.group_size=1", says=("training.group_size", "at least 2")),
    wrong("seed=many", says=("seed", "many")),
    wrong("trainer.precision=16-mixed", says=("trainer.precision", "bf16-mixed")),
    wrong("logger.name=mlflow", says=("logger.name", "wandb, tensorboard, trackio, none")),
    wrong("logger.tags=mine", says=("logger.tags", "list")),
    wrong("data.sources.vsr.rows=0", says=("data.sources.vsr.rows", "at least 1", "~data")),
    wrong("suite.sets.gqa.rows=0", says=("suite.sets.gqa.rows", "at least 1")),
    wrong(
        *("evaluation.every=5", "+validation.sets.x={rows: 3}"),
        says=("validation.sets.x needs either file",),
    ),
    wrong(
        *("task=evaluate", "+suite.sets.more={kind: detect, split: test, rows: 20}"),
        says=("suite.sets.more.kind=detect", "vsr, tallyqa, gqa, mathvista, mme, ovd"),
    ),
    wrong(
        *("evaluation.every=5", "+validation.sets.x={kind: binding, split: dev, rows: 20}"),
        says=("validation.sets.x.kind=binding", "there are vsr, tallyqa"),
    ),
    wrong(
        *("task=evaluate", "+suite.sets.more={kind: tallyqa, rows: 300}"),
        says=("suite.sets.more", "scenes to train on", "split=test", "split=dev"),
    ),
    wrong(
        *("task=evaluate", "+suite.sets.more={kind: gqa, split: pretrain, rows: 300}"),
        says=("suite.sets.more", "scenes to train on", "split=test"),
    ),
    wrong(
        *("task=evaluate", "suite=own", "+suite.sets.test.rows=20"),
        says=("suite.sets.test.rows=20 would change nothing", "suite.limit=20"),
    ),
    wrong("~data.sources.vsr", "~data.sources.tallyqa", says=("data.sources", "empty")),
    wrong("trainer.devices=2", says=("trainer.devices", "trainer=ddp")),
    wrong("method.tagged_answer=false", says=("method.tagged_answer",)),
    wrong("model.dtype=bfloat16", says=("model.dtype", "model.adaptation")),
    wrong("judge={name: own, x: 3}", says=("judge",)),
    wrong(
        *("judge=openai", "judge.prices={gpt-5: {input: 1, output: 2}}"),
        says=("judge.prices.gpt-5 is not there", "+judge.prices.gpt-5=... adds it"),
    ),
    wrong("preparation.coco=images.cocodataset.org", says=("preparation.coco", "http://")),
    wrong(
        *("model=qwen2_5_vl_3b", "model.lora.rank=1024", "rollout=vllm"),
        says=("model.lora.rank=1024", "rank 512"),
    ),
    wrong("task=tables", says=("runs=",)),
    wrong("task=score", "input=x.jsonl", says=("output=",)),
    wrong("input=x.jsonl", says=("input", "task=score")),
    wrong("checkpoint=runs/x", says=("checkpoint", "task=evaluate")),
    wrong("task=tables", "runs=x", "exhibits=[table9]", says=("table9", "table1")),
    wrong("task=evaluate", "resume=true", says=("resume=true", "hydra.run.dir")),
    wrong("resume=true", says=("resume=true", "no unfinished run")),
    wrong(
        *("experiment=table1", "model=internvl3_2b", "data=vsr_tally", "method=grit", "seed=0"),
        says=("table1 of model=internvl3_2b, suite=paper", "say judge=openai, or judge=rules"),
    ),
]
IGNORED = [
    alone(
        wrong("method=direct", "trainer.max_steps=5", says=("trainer.max_steps=5", TRAINS_NOTHING))
    ),
    wrong("method=cot", "training.learning_rate=1e-3", says=("1e-3", "method=cot", TRAINS_NOTHING)),
    wrong("method=icl", "reward=released", says=("reward=released", "method=icl", TRAINS_NOTHING)),
    wrong("method=cot", "data.sources.vsr.rows=5", says=("data.sources.vsr.rows", TRAINS_NOTHING)),
    wrong("method=direct", "data.seed=3", says=("data.seed=3", TRAINS_NOTHING)),
    wrong(
        *("method=direct", "evaluation.before_training=false", "evaluation.after_training=false"),
        says=("evaluation.before_training=false", "method=direct", TRAINS_NOTHING),
    ),
    wrong("method=sft", "reward=released", says=("reward=released", "method=sft", "traces")),
    wrong("method=sft", "reward.terms.count.weight=0", says=("reward.terms.count.weight", "sft")),
    wrong("task=evaluate", "reward=released", says=("reward=released", "task=evaluate")),
    wrong("task=evaluate", "trainer.max_steps=5", says=("trainer.max_steps=5", "task=evaluate")),
    wrong("task=evaluate", "training.beta=0", says=("training.beta=0", "task=evaluate")),
    wrong("data.sources={}", says=("data.sources={}", "changes nothing", "~")),
]


@pytest.mark.parametrize("command", VALUES, ids=str)
def test_a_value_that_cannot_work(desk: Desk, command: Wrong) -> None:
    check(desk, command)


@pytest.mark.parametrize("command", IGNORED, ids=str)
def test_a_setting_that_would_change_nothing(desk: Desk, command: Wrong) -> None:
    check(desk, command)
