-- Bad result: an override that nobody remembers, or one that is about no file.
-- Question: Which decisions about licences did people make, who, why and when, and what became of the files?
-- Must be empty: no
-- Needs: decisions, files, overrides
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT file_id, size FROM stg_files),
overrides AS (SELECT * FROM stg_overrides),
-- Where another rule decided in the end, as about a duplicate, the evidence names the override.
said AS (
  SELECT file_id, verdict,
    coalesce(
      list_filter(evidence, lambda one: starts_with(one, 'its licence: override '))[1], concat('its licence: ', rule)
    ) AS words
  FROM decisions
),
touched AS (
  SELECT regexp_extract(words, '^its licence: override ([0-9a-f]+):', 1) AS override_id, verdict, size
  FROM said JOIN files USING (file_id)
  WHERE starts_with(words, 'its licence: override ')
),
counted AS (
  SELECT override_id, count(*) AS files, count(*) FILTER (verdict = 'kept') AS kept,
    CAST(sum(size) AS BIGINT) AS bytes
  FROM touched
  GROUP BY override_id
),
final AS (
  SELECT override_id, repository, path, header, blob_id, expression, overrides.verdict, "by", reason, date,
    coalesce(files, 0) AS files, coalesce(kept, 0) AS kept, coalesce(bytes, 0) AS bytes
  FROM overrides LEFT JOIN counted USING (override_id)
)
SELECT * FROM final
ORDER BY date, override_id
