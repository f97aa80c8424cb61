-- Bad result: any row. Each is a released file whose licence nobody could defend.
-- Question: Which released files have no licence conclusion, or one without evidence?
-- Must be empty: yes
-- Needs: decisions, docs, license_conclusions, license_findings, overrides
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
license_findings AS (SELECT * FROM stg_license_findings),
overrides AS (SELECT * FROM stg_overrides),
-- A person's decision on record is evidence for the licence that the person named.
decided AS (
  SELECT file_id, expression FROM decisions
  JOIN overrides ON override_id = regexp_extract(rule, '^override ([0-9a-f]+):', 1)
  WHERE expression IS NOT NULL
),
found AS (SELECT DISTINCT blob_id FROM license_findings WHERE outcome = 'found'),
released AS (
  SELECT docs.file_id, docs.repo, docs.path, docs.license, concluded.* EXCLUDE (file_id),
    concluded.file_id IS NOT NULL AS is_concluded
  FROM docs LEFT JOIN license_conclusions AS concluded USING (file_id)
),
pieces AS (SELECT file_id, basis, unnest(evidence) AS piece FROM released),
-- The piece that the conclusion rests on. A detection behind it is asked of contents only; a registry has no blob.
bases AS (
  SELECT DISTINCT file_id FROM pieces LEFT JOIN found ON found.blob_id = pieces.piece.blob_id
  WHERE piece.role = basis AND (found.blob_id IS NOT NULL OR basis NOT IN ('own_header', 'ancestor_file'))
),
final AS (
  SELECT repo, path, file_id, license,
    CASE
      WHEN NOT is_concluded THEN 'no conclusion'
      WHEN expression IS NULL THEN 'no licence was concluded'
      WHEN basis = 'none' THEN 'the conclusion has no basis'
      WHEN len(evidence) = 0 THEN 'no evidence'
      ELSE 'the evidence names no detection'
    END AS problem
  FROM released
  WHERE (expression IS NULL OR basis = 'none' OR file_id NOT IN (SELECT file_id FROM bases))
    AND (file_id, license) NOT IN (SELECT (file_id, expression) FROM decided)
)
SELECT * FROM final
ORDER BY ALL
