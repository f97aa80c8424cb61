-- Bad result: any row. Each is a document whose tokens overlap another's, or whose number is out of order.
-- Question: Do the token ranges of all documents fit together?
-- Must be empty: yes
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
neighbours AS (
  SELECT ordinal, repo, path, shard, start, tokens,
    lag(ordinal, 1, -1) OVER (ORDER BY ordinal) AS ordinal_before,
    lag(start + tokens, 1, 0) OVER (PARTITION BY shard ORDER BY start, ordinal) AS end_before
  FROM docs
),
judged AS (
  SELECT ordinal, repo, path, shard, start, tokens,
    CASE
      WHEN tokens <= 0 OR start < 0 THEN 'no tokens'
      WHEN start < end_before THEN 'overlaps the document before it'
      WHEN ordinal <> ordinal_before + 1 THEN 'the number before it is missing or occurs twice'
    END AS problem
  FROM neighbours
),
twice AS (
  SELECT min(ordinal) AS ordinal, min(repo) AS repo, min(path) AS path, min(shard) AS shard, min(start) AS start,
    min(tokens) AS tokens, 'the file has tokens in two places' AS problem
  FROM docs GROUP BY file_id HAVING count(*) > 1
),
final AS (SELECT * FROM judged WHERE problem IS NOT NULL UNION ALL SELECT * FROM twice)
SELECT * FROM final
ORDER BY ALL
