"""The description of a release for programs: a Croissant file, by which hubs, search engines and `mlcroissant` know it.

In: a release folder without a manifest, and what the run was set to. Out: `croissant.json` (JSON-LD, Croissant 1.1 with
the vocabulary for responsible AI). Each table is a record set with the meaning of its columns. No date, address or name
of the release stands in it: it is part of what the release is named by. Costs two questions to the tables.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from gleanery.records.files import write_bytes
from gleanery.records.tables import TABLES, Column, Table
from gleanery.release.assemble import TABLES as RELEASED
from gleanery.sql.questions import Database, questions, tables_of

CROISSANT = "croissant.json"
# Part of what a release depends on: raise it when the same tables would be described otherwise.
VERSION = 1
# The terms of the standard as they are used here: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
# The names that stand for those of the standard itself.
_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject"),
    *("fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)
_PREFIXES = {
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **_PREFIXES,
    **{name: f"cr:{name}" for name in _TERMS},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
}
_KINDS = (
    (pa.types.is_boolean, "sc:Boolean"),
    (pa.types.is_integer, "sc:Integer"),
    (pa.types.is_floating, "sc:Float"),
    (pa.types.is_string, "sc:Text"),
    (pa.types.is_large_string, "sc:Text"),
    (pa.types.is_large_binary, "sc:Text"),
)
_NAME = re.compile(r"[^\s()]+")
_OPERATORS = {"AND", "OR", "WITH"}


def write_croissant(release: Path, config: Mapping[str, Any], policy: str) -> None:
    """Write the description into a release.

    config  the settings as they are published, by section
    policy  name and version of the licence policy
    """
    with Database(tables_of(release)) as database:
        licenses = database.ask(questions()["tokens_by_license"], {}).to_pylist()
        spans = database.ask(questions()["redactions_by_entity"], {}).to_pylist()
    documents, tokens = (sum(row[name] for row in licenses) for name in ("documents", "tokens"))
    entities = sorted({row["entity"] for row in spans})
    sets = [
        (TABLES[name], f"tables/{name}/*.parquet") for name in RELEASED if any((release / "tables" / name).glob("*"))
    ]
    sets.append((TABLES["docs"], "docs/*.parquet"))
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": "source-code-for-training",
        "description": (
            f"Source code of {documents:,} files ({tokens:,} tokens) for training code models. Each file stands under "
            "a licence of its own, with the evidence for it; README.md describes the release, and manifest.json has "
            "the digest of every file."
        ),
        "license": sorted({_license(name) for row in licenses for name in _names(row["license"])}),
        "keywords": ["code", "text-generation"],
        "isLiveDataset": False,
        **_responsible(config, policy, entities),
        "distribution": [_files(table.name, includes) for table, includes in sets],
        "recordSet": [_records(table) for table, _ in sets],
    }
    write_bytes(release / CROISSANT, (json.dumps(described, indent=1, ensure_ascii=False) + "\n").encode())


def _names(expression: str) -> Iterator[str]:
    """The licences of an expression.

    >>> sorted(_names("MIT OR (Apache-2.0 WITH LLVM-exception)"))
    ['Apache-2.0', 'LLVM-exception', 'MIT']
    """
    return (word for word in _NAME.findall(expression) if word not in _OPERATORS)


def _license(name: str) -> str:
    return name if name.startswith("LicenseRef-") else f"https://spdx.org/licenses/{name}.html"


def _responsible(config: Mapping[str, Any], policy: str, entities: list[str]) -> dict[str, Any]:
    """What the vocabulary for responsible AI asks."""
    replaced = f" In this release: {', '.join(entities)}." if entities else " Nothing had to be replaced."
    benchmarks = ", ".join(one["name"] or one["path"] for one in config["benchmark"])
    contact = f" Owners turn to: {config['optout']['contact']}" if config["optout"]["contact"] else ""
    return {
        "rai:dataCollection": (
            "Git repositories, archives and packages of registries were read at one commit or version each, which the "
            "record set repos names. Nothing in them was executed."
        ),
        "rai:dataCollectionType": ["Software Collection"],
        "rai:dataPreprocessingProtocol": [
            f"Licences: default deny by the policy {policy}; evidence in license_conclusions and license_findings.",
            "Every file has one decision, with the rule and its evidence, in decisions.",
            "Equal files are released once; what else counts as the same is in pairs and clusters.",
            *([f"Files that hold a problem of these benchmarks were left out: {benchmarks}."] if benchmarks else []),
        ],
        "rai:personalSensitiveInformation": [
            f"Names, addresses, secrets and the like were replaced; each place is in redactions.{replaced} Detectors "
            "miss some."
        ],
        "rai:dataUseCases": ["Training of models that write or complete code."],
        "rai:dataLimitations": [
            "Comments may be rude; code may be wrong, insecure or harmful; natural languages were not measured.",
            "Licences were read by programs: code that was copied without leave is not recognised.",
        ],
        "rai:dataReleaseMaintenancePlan": (
            "An objection that comes later is met by a list of removals, which loaders and exports take. Whoever keeps "
            f"a copy has to ask for the newest list.{contact}"
        ),
    }


def _files(name: str, includes: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "encodingFormat": "application/x-parquet",
        "includes": includes,
    }


def _records(table: Table) -> dict[str, Any]:
    fields = {column.name: list(_field(table.name, column)) for column in table.columns}
    others = [name for name, made in fields.items() if not made]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": f"A row is {table.row}." + (f" It has also: {', '.join(others)}." if others else ""),
        "key": [{"@id": f"{table.name}/{name}"} for name in table.key],
        "field": [field for made in fields.values() for field in made],
    }


def _field(table: str, column: Column) -> Iterator[dict[str, Any]]:
    """A column as a field; none for one whose values are records of their own, for which readers have no form."""
    listed = pa.types.is_list(column.type)
    kind = column.type.value_type if listed else column.type
    for matches, name in _KINDS:
        if matches(kind):
            yield {
                "@type": "cr:Field",
                "@id": f"{table}/{column.name}",
                "name": column.name,
                "description": column.meaning,
                "dataType": name,
                **({"isArray": True, "arrayShape": "-1"} if listed else {}),
                "source": {"fileSet": {"@id": f"{table}-files"}, "extract": {"column": column.name}},
            }
