"""Stages with several players, teachers and curricula: turns, freezing, averages, counting and the contract."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from benchmarks.budget import plan_stages
from benchmarks.fit import Batches, Fit
from paradigms.base import Paradigm, Player, Stage, derive_seed
from paradigms.training.defaults import cosine
from tests.paradigms import contract
from tests.paradigms.contract import N_ROWS, build, images

N_PIXELS = 64


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1)


class Game(Paradigm):
    """A generator from noise against a discriminator, and a teacher that follows the generator."""

    title, era, reference, task = "Game", "test", "none", "generation"

    def __init__(self, shape, n_classes, *, turns=1):
        super().__init__(shape, n_classes)
        self.net, self.judge = torch.nn.Linear(N_PIXELS, N_PIXELS), torch.nn.Linear(N_PIXELS, 1)
        self.teacher = torch.nn.Linear(N_PIXELS, N_PIXELS)
        self.turns, self.seen = turns, []

    def stages(self):
        rival = Player(list(self.judge.parameters()), self.judge_loss, sgd, turns=self.turns)
        settings = {"optimizer": sgd, "ema_decay": 0.9, "steady": True, "after_update": self.follow}
        return [Stage("game", list(self.net.parameters()), self.loss, rivals=[rival], batch_size=N_ROWS, **settings)]

    def fakes(self, batch):
        return self.net(torch.randn(len(batch.x), N_PIXELS, dtype=batch.x.dtype, device=batch.x.device)).tanh()

    def loss(self, batch):
        return (1 - self.progress) * F.softplus(-self.judge(self.fakes(batch))).mean()

    def judge_loss(self, batch):
        return F.softplus(-self.judge(batch.x.flatten(1))).mean() + F.softplus(self.judge(self.fakes(batch))).mean()

    def follow(self, progress):
        self.seen.append(progress)
        for mine, other in zip(self.teacher.parameters(), self.net.parameters(), strict=True):
            mine.lerp_(other, 0.5)

    def link(self):
        return self.net

    def allows(self, nfe, sampler):
        return nfe == 1

    def sample(self, n, nfe, generator, sampler="default"):
        with torch.no_grad():
            return self.net(torch.randn(n, N_PIXELS, generator=generator)).tanh().view(n, *self.shape)


def test_a_game_keeps_the_contract(tmp_path):
    for check in contract.CHECKS:
        check(Game)
    contract.check_resume(Game, tmp_path)


class Unfreezing(Game):
    def loss(self, batch):
        self.judge.requires_grad_(True)
        return super().loss(batch)


class Clipping(Game):
    """Clips the other player's weights in its own turn."""

    def loss(self, batch):
        with torch.no_grad():
            self.judge.weight.clamp_(-0.01, 0.01)
        return super().loss(batch)


class Owning(Game):
    """Gives the discriminator's optimiser a parameter of the generator, too."""

    def stages(self):
        (stage,) = super().stages()
        rival = replace(stage.rivals[0], parameters=[*stage.rivals[0].parameters, self.net.bias])
        return [replace(stage, rivals=[rival])]


@pytest.mark.parametrize("fault", [Unfreezing, Clipping, Owning])
def test_a_player_that_touches_the_other_ones_weights_fails_the_contract(fault):
    with pytest.raises(AssertionError, match="player"):
        contract.check_players(fault)


class Forgetting(Game):
    """Leaves the discriminator out of every stage."""

    def stages(self):
        return [replace(super().stages()[0], rivals=[])]


class Constant(Forgetting):
    """Says that the discriminator is a constant."""

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.judge.requires_grad_(False)


def test_a_network_that_no_stage_trains_fails_the_contract_unless_it_is_a_constant():
    with pytest.raises(AssertionError, match=r"no stage trains.*judge"):
        contract.check_nothing_is_left_out(Forgetting)
    contract.check_nothing_is_left_out(Constant)


class Drawing(Game):
    """A discriminator whose loss draws on the host, in a stage that says it is steady."""

    def judge_loss(self, batch):
        return super().judge_loss(batch) * float(torch.rand(()))


def test_the_losses_of_all_players_are_checked_for_steadiness():
    with pytest.raises(AssertionError, match="host"):
        contract.check_steady(Drawing)


def written_out(turns, n_updates):
    """Alternating updates without the engine; returns the averages of all parameters, and the teacher's weight."""
    game = build(Game)
    trained, batches = [*game.net.parameters(), *game.judge.parameters()], Batches(*images(), N_ROWS, n_updates, 0, 7)
    averages = [p.detach().clone() for p in trained]
    players = [(game.judge, game.judge_loss, turns), (game.net, game.loss, 1)]
    for update in range(n_updates):
        progress = update / n_updates
        game.progress.fill_(progress)
        torch.manual_seed(derive_seed(game.seed, "game", update))
        for module, loss, times in players:
            for _ in range(times):
                own = list(module.requires_grad_().parameters())
                for parameter, gradient in zip(own, torch.autograd.grad(loss(batches.at(update)), own), strict=True):
                    parameter.data -= 0.1 * cosine(progress) * gradient
        with torch.no_grad():
            game.follow((update + 1) / n_updates)
        decay = min(0.9, (2 + update) / (11 + update))
        averages = [a.lerp(p.detach(), 1 - decay) for a, p in zip(averages, trained, strict=True)]
    return averages, game.teacher.weight


@pytest.mark.parametrize("turns", [1, 3])
def test_players_take_turns_and_teachers_follow_as_in_a_loop_written_out(turns):
    game = build(partial(Game, turns=turns))
    Fit(game, *images(), [5])()
    averages, teacher = written_out(turns, 5)
    found = [*game.net.parameters(), *game.judge.parameters()]
    torch.testing.assert_close([p.detach() for p in found], averages, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(game.teacher.weight, teacher)
    assert game.seen == [0.2, 0.4, 0.6, 0.8, 1.0]


def test_the_budget_is_charged_for_every_turn_of_every_player():
    layer, out = 2 * N_ROWS * N_PIXELS * N_PIXELS, 2 * N_ROWS * N_PIXELS  # forward passes of the two modules
    # The discriminator's turn: two passes with gradients of its weights, and the frozen generator forward. The
    # generator's: both forward, the gradient through the discriminator, and that of the generator's weights.
    of_judge, of_generator = layer + 2 * (out + out), layer + out + out + layer
    for turns in (1, 3):
        plans = plan_stages(build(partial(Game, turns=turns)), *images(), 1e9)
        assert plans[0].flops_per_update == turns * of_judge + of_generator
    free = build(Game)
    (stage,) = free.stages()
    free.stages = lambda: [replace(stage, after_update=lambda progress: free.teacher(images().x.flatten(1)))]
    assert plan_stages(free, *images(), 1e9)[0].flops_per_update == of_judge + of_generator + layer


def test_a_rival_is_frozen_outside_of_its_turn_and_the_stage_in_it():
    game, seen = build(Game), []
    (stage,) = game.stages()

    def watched(name, loss):
        def call(batch):
            seen.append((name, game.net.weight.requires_grad, game.judge.weight.requires_grad))
            return loss(batch)

        return call

    rival = replace(stage.rivals[0], loss=watched("judge", game.judge_loss))
    game.enter(replace(stage, loss=watched("generator", game.loss), rivals=[rival]), 2)
    game.update_once(images(), game.configure_optimizers())
    assert seen == [("judge", False, True), ("generator", True, False)]
    assert game.net.weight.requires_grad and not game.judge.weight.requires_grad
