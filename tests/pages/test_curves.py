from grit.pages.curves import HEIGHT, WIDTH, mean_curves, short, training_curves


def test_curves_show_what_was_logged_and_skip_what_is_no_number() -> None:
    rows = [
        {
            "step": step,
            "train/reward": step / 10,
            "train/loss": 0.1,
            "train/reward_part/judge": 0.5,
            "train/reward_part/shapes_vsr/judge": 0.5,
            "train/kl": float("nan") if step == 2 else 0.1,
            "train/grad_norm": float("inf"),
        }
        for step in range(4)
    ]
    groups = {group.title: group.panels for group in training_curves(rows)}
    assert [panel.title for panel in groups["Reward and its parts"]] == ["Reward", "Judge"]
    (kl,) = groups["Policy"]
    assert [step for _, _, step, _ in kl.points] == ["0", "1", "3"]
    assert "Completions" not in groups
    reward = groups["Reward and its parts"][0]
    assert (reward.last, reward.smooth) == ("0.3", "")
    ys = [y for _, y, _, _ in reward.points]
    assert ys == sorted(ys, reverse=True)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y, _, _ in reward.points)


def test_supervised_training_shows_its_loss() -> None:
    (group,) = training_curves([{"step": s, "train/loss": 2.0 - s} for s in range(2)])
    assert (group.title, [panel.title for panel in group.panels]) == ("Loss", ["Loss"])
    assert training_curves([]) == []
    assert training_curves([{"step": 0, "train/loss": 1.0}]) == []  # a point is no curve


def test_a_step_done_twice_counts_once_and_long_runs_are_thinned() -> None:
    rows = [{"step": s, "train/loss": 9.0} for s in (0, 1)]
    rows += [{"step": s, "train/loss": 1.0} for s in range(1, 5000)]
    (panel,) = training_curves(rows)[0].panels
    assert len(panel.points) == 240
    assert panel.smooth
    assert panel.y_ticks[-1].label != "0"
    assert "nan" not in panel.raw + panel.smooth


def test_numbers_are_short() -> None:
    found = [short(value) for value in (0, 0.7341, 12.55, 1250, 2e-6, -0.5)]
    assert found == ["0", "0.734", "12.6", "1,250", "2e-06", "-0.5"]


def test_repetitions_have_a_mean_and_a_line_each() -> None:
    def rows(*rewards: float) -> list[dict[str, float]]:
        return [
            {"step": s, "train/reward": r, "train/reward_part/bleu": 0.1, "train/kl": 1.0}
            for s, r in enumerate(rewards)
        ]

    found = mean_curves("grit, 2 seeds", [rows(0.0, 1.0, 2.0), rows(1.0, 2.0, 4.0, 9.0)])
    assert found.title == "grit, 2 seeds"
    assert [panel.title for panel in found.panels] == ["Reward", "Bleu"]
    reward = found.panels[0]
    assert [(step, value) for _, _, step, value in reward.points] == [
        ("0", "0.5"),
        ("1", "1.5"),
        ("2", "3"),  # the last step that both have
    ]
    assert len(set(reward.seeds)) == 2
    assert all(line.count("L") == 2 for line in (*reward.seeds, reward.raw))
    (alone,) = mean_curves("sft", [[{"step": s, "train/loss": 1.0} for s in range(5000)]]).panels
    assert (alone.seeds, len(alone.points)) == ((), 80)
    assert mean_curves("cot", [[], []]).panels == ()
