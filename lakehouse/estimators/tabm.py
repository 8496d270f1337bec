"""TabM: a small network that trains k sub-models at once (Gorishniy et al., ICLR 2025)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
import tabm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from lakehouse.estimators.base import Labels, Progress, Scores, parse_params
from lakehouse.estimators.encoding import Encoding, Matrix
from lakehouse.model_spec import FeatureSpec, Param

STATE_FILE = "tabm.json"
WEIGHTS_FILE = "weights.safetensors"
MEAN, SCALE = "standardisation.mean", "standardisation.scale"
PREDICTION_ROWS = 16_384
CLIP = 5.0
"""Standard scores beyond this are outliers that would only disturb the network."""
Inputs = tuple[Tensor, Tensor]
"""Standard scores (rows, numeric) as float, category numbers (rows, categorical) as long."""


@dataclass(frozen=True)
class TabMParams:
    """Parameters; the network's size is not among them, it follows from the device.

    Attributes:
        learning_rate: AdamW's step size at its peak; it rises for a tenth of the training and
            then falls to zero along a cosine.
        weight_decay: AdamW's weight decay.
        dropout: Share of hidden units that are dropped in training.
        max_epochs: Passes over the training rows.
        patience: Epochs without a better validation log loss after which training stops.
    """

    learning_rate: float = 0.003
    weight_decay: float = 0.001
    dropout: float = 0.1
    max_epochs: int = 3
    patience: int = 2


@dataclass(frozen=True)
class Size:
    """Size of the network and of a training step.

    Attributes:
        n_blocks: Hidden layers.
        d_block: Units of a hidden layer.
        k: Sub-models that share most weights.
        batch: Rows of a step.
    """

    n_blocks: int
    d_block: int
    k: int
    batch: int


SIZES = {
    "cpu": Size(n_blocks=2, d_block=128, k=8, batch=1024),
    "cuda": Size(n_blocks=3, d_block=512, k=32, batch=4096),
}


class TabMEstimator:
    """Standard scores for numbers (null is the mean), one-hot categories, mean over sub-models."""

    algorithm: ClassVar[str] = "tabm"
    _encoding: Encoding
    _mean: Tensor
    _scale: Tensor
    _size: Size
    _model: tabm.TabM

    def __init__(self, features: Sequence[FeatureSpec], params: TabMParams) -> None:
        self._features, self._params = tuple(features), params
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @classmethod
    def create(cls, features: Sequence[FeatureSpec], params: Mapping[str, Param]) -> Self:
        """Returns an unfitted estimator."""
        return cls(features, parse_params(TabMParams, cls.algorithm, params))

    def fit(
        self,
        X: pl.DataFrame,
        y: Labels,
        X_val: pl.DataFrame,
        y_val: Labels,
        *,
        seed: int,
        progress: Progress,
    ) -> None:
        """Trains until the validation log loss no longer falls, and keeps the best epoch."""
        self._encoding = Encoding.fit(self._features, X)
        self._size = SIZES[self._device.type]
        matrix = self._encoding.matrix(X)
        self._mean, self._scale = _spread(matrix[:, : len(self._encoding.numeric)])
        X_fit, X_stop = self._inputs(matrix), self._inputs(self._encoding.matrix(X_val))
        with _seeded(seed):
            self._model = self._network()
            self._train(X_fit, y, X_stop, y_val, progress)

    def predict(self, X: pl.DataFrame) -> Scores:
        """Returns the probability of label 1 per row, the mean over the sub-models."""
        return self._probability(self._inputs(self._encoding.matrix(X)))

    def save(self, folder: Path) -> None:
        """Writes the weights (safetensors) and everything else (JSON)."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "encoding": self._encoding.to_json(),
            "size": asdict(self._size),
            "params": asdict(self._params),
        }
        (folder / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
        weights = {
            name: value.cpu().contiguous() for name, value in self._model.state_dict().items()
        }
        scaling = {MEAN: self._mean, SCALE: self._scale}
        save_file(weights | scaling, folder / WEIGHTS_FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns what `save` wrote, on this machine's device."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS_FILE)
        loaded = cls((), TabMParams(**state["params"]))
        loaded._encoding = Encoding.from_json(state["encoding"])
        loaded._size = Size(**state["size"])
        loaded._mean, loaded._scale = weights.pop(MEAN), weights.pop(SCALE)
        with _seeded(0):
            loaded._model = loaded._network()
        loaded._model.load_state_dict(weights)
        return loaded

    def _network(self) -> tabm.TabM:
        return tabm.TabM.make(
            n_num_features=len(self._encoding.numeric),
            # One more than there are categories: the last means null or unseen.
            cat_cardinalities=[len(v) + 1 for v in self._encoding.categories.values()],
            d_out=1,
            n_blocks=self._size.n_blocks,
            d_block=self._size.d_block,
            k=self._size.k,
            dropout=self._params.dropout,
        ).to(self._device)

    def _inputs(self, matrix: Matrix) -> Inputs:
        """Returns the network's inputs, on the device: standard scores and category numbers."""
        first = len(self._encoding.numeric)
        numeric = (torch.from_numpy(matrix[:, :first]).float() - self._mean) / self._scale
        categories = matrix[:, first:]
        for position, values in enumerate(self._encoding.categories.values()):
            categories[:, position] = np.nan_to_num(categories[:, position], nan=len(values))
        return (
            numeric.nan_to_num(nan=0.0).clip(-CLIP, CLIP).to(self._device),
            torch.from_numpy(categories).long().to(self._device),
        )

    def _train(
        self, X: Inputs, y: Labels, X_val: Inputs, y_val: Labels, progress: Progress
    ) -> None:
        params = self._params
        target = torch.from_numpy(np.asarray(y)).float().to(self._device)
        optimizer = AdamW(
            self._model.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay
        )
        schedule = OneCycleLR(
            optimizer,
            max_lr=params.learning_rate,
            total_steps=params.max_epochs * math.ceil(len(y) / self._size.batch),
            pct_start=0.1,
        )
        best, best_loss, best_epoch = self._model.state_dict(), math.inf, 0
        for epoch in range(1, params.max_epochs + 1):
            self._epoch(X, target, optimizer, schedule)
            loss = _log_loss(y_val, self._probability(X_val))
            progress(f"epoch {epoch} of {params.max_epochs}, validation log loss {loss:.4f}")
            if loss < best_loss:
                best, best_loss, best_epoch = deepcopy(self._model.state_dict()), loss, epoch
            elif epoch - best_epoch >= params.patience:
                break
        self._model.load_state_dict(best)

    def _epoch(self, X: Inputs, target: Tensor, optimizer: AdamW, schedule: OneCycleLR) -> None:
        """Takes one step per batch, in a new random order."""
        self._model.train()
        order = torch.randperm(len(target)).to(self._device)
        for chosen in torch.split(order, self._size.batch):
            logits = self._logits((X[0][chosen], X[1][chosen]))
            # The mean over sub-models of each one's own loss, not the loss of their mean: that is
            # what keeps the sub-models different.
            loss = binary_cross_entropy_with_logits(
                logits, target[chosen].unsqueeze(1).expand_as(logits)
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()

    def _logits(self, X: Inputs) -> Tensor:
        """Returns one logit per row and sub-model, shape (rows, k)."""
        numeric, categories = X
        logits: Tensor = self._model(
            numeric if numeric.shape[1] else None, categories if categories.shape[1] else None
        )
        return logits.squeeze(-1)

    def _probability(self, X: Inputs) -> Scores:
        self._model.eval()
        with torch.inference_mode():
            parts = [
                self._logits(part).sigmoid().mean(dim=1).double().cpu()
                for part in zip(*(torch.split(x, PREDICTION_ROWS) for x in X), strict=True)
            ]
        return torch.cat(parts).numpy()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Makes torch's random numbers follow from `seed`, and leaves the caller's as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _spread(numeric: Matrix) -> tuple[Tensor, Tensor]:
    """Returns mean and standard deviation per column, 0 and 1 for one that is all null or flat."""
    known = np.isfinite(numeric)
    count = known.sum(axis=0).clip(1)
    mean = np.where(known, numeric, 0).sum(axis=0) / count
    scale = np.sqrt((np.where(known, numeric - mean, 0) ** 2).sum(axis=0) / count)
    scale[scale == 0] = 1
    return torch.from_numpy(mean).float(), torch.from_numpy(scale).float()


def _log_loss(y: Labels, score: Scores) -> float:
    score = score.clip(1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(score) + (1 - y) * np.log(1 - score)))
