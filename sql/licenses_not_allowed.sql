-- Bad result: a licence that the policy should allow, with many files.
-- Question: Which licences kept how many files out?
-- Must be empty: no
-- Needs: decisions, files, license_conclusions
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT file_id, size FROM stg_files),
license_conclusions AS (SELECT file_id, expression FROM stg_license_conclusions),
final AS (
  SELECT reason, expression, count(*) AS files, count(DISTINCT repo_id) AS repositories,
    CAST(sum(coalesce(size, 0)) AS BIGINT) AS bytes
  FROM decisions LEFT JOIN files USING (file_id) LEFT JOIN license_conclusions USING (file_id)
  WHERE reason IN ('license_missing', 'license_unknown', 'license_not_allowed', 'license_conflict')
  GROUP BY reason, expression
)
SELECT * FROM final
ORDER BY files DESC, reason, expression
