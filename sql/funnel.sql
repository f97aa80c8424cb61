-- Bad result: a reason with far more files than in the last run. A reason that rejects nothing may not be at work.
-- Question: How many files were kept, and how many were rejected for which reason?
-- Must be empty: no
-- Needs: decisions, files
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT file_id, size FROM stg_files),
final AS (
  SELECT verdict, reason, count(*) AS files, count(DISTINCT repo_id) AS repositories,
    CAST(sum(coalesce(size, 0)) AS BIGINT) AS bytes
  FROM decisions LEFT JOIN files USING (file_id)
  GROUP BY verdict, reason
)
SELECT * FROM final
ORDER BY verdict, files DESC, reason
