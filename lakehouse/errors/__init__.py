"""Every error the lakehouse raises on purpose.

```
LakehouseError
├── UsageError                exit code 2: what was asked or declared is wrong
│   ├── SettingsError         an environment variable or lakehouse.toml
│   ├── ContractError         a dataset's contract
│   ├── ModelSpecError        a model's YAML
│   ├── UnknownName           a dataset, table, model or delivery that is not there
│   ├── ExpectationRefused    the arguments of an expectation
│   ├── QueryRefused          SQL that does more than read
│   ├── DraftRefused          a sample from which no contract can be drafted
│   ├── BreakingChange        a contract breaks what readers were promised
│   ├── RestoreRefused        a backup that is not whole, or a lake that holds something else
│   ├── RollbackRefused       a table that cannot go back, or not to there
│   ├── TagRefused            a name that a publish cannot have or lose
│   ├── MigrationRefused      a lake that cannot be moved to where it should go
│   ├── DbtFailed             the dbt project does not parse
│   └── LakeFormatError       a lake written by another version
├── Refused                   exit code 1: data or a model was judged and not admitted
│   ├── UnreadableObject      a file that cannot be read at all
│   ├── BuildRefused          the gold tables did not pass dbt
│   ├── FrameRefused          rows that a model must not learn from
│   ├── QueryStopped          a query that takes more than it may
│   └── TamperedModel         a model file that is not what was registered
├── PublishConflict           exit code 3: another run kept winning the same partitions
└── ServiceFailed             exit code 3: storage, catalog or another service did not answer
    └── Unanswered            a commit that may or may not have been done
```

A message says what was refused, the evidence, the state the lake is in now, and what to do next.
Parts go into the exception, the sentence is formed in the class, and ``__reduce__`` keeps
exceptions picklable across processes.
"""

from lakehouse.errors.base import (
    LakehouseError,
    did_you_mean,
)
from lakehouse.errors.refusal import (
    BuildRefused,
    FrameRefused,
    QueryStopped,
    Refused,
    TamperedModel,
    UnreadableObject,
)
from lakehouse.errors.service import (
    PublishConflict,
    ServiceFailed,
    Unanswered,
)
from lakehouse.errors.usage import (
    BreakingChange,
    ContractError,
    DbtFailed,
    DraftRefused,
    ExpectationRefused,
    LakeFormatError,
    MigrationRefused,
    ModelSpecError,
    QueryRefused,
    RestoreRefused,
    RollbackRefused,
    SettingsError,
    TagRefused,
    UnknownName,
    UsageError,
)

__all__ = [
    "BreakingChange",
    "BuildRefused",
    "ContractError",
    "DbtFailed",
    "DraftRefused",
    "ExpectationRefused",
    "FrameRefused",
    "LakeFormatError",
    "LakehouseError",
    "MigrationRefused",
    "ModelSpecError",
    "PublishConflict",
    "QueryRefused",
    "QueryStopped",
    "Refused",
    "RestoreRefused",
    "RollbackRefused",
    "ServiceFailed",
    "SettingsError",
    "TagRefused",
    "TamperedModel",
    "Unanswered",
    "UnknownName",
    "UnreadableObject",
    "UsageError",
    "did_you_mean",
]
