-- Bad result: a high measure beside `none`: then a threshold is too high, or a normal form missed something.
-- Question: Which contents was this file measured against, the unlike ones included, and how alike are they?
-- Must be empty: no
-- Needs: decisions, pairs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (required): the path inside the repository
WITH
decisions AS (SELECT * FROM stg_decisions WHERE blob_id IS NOT NULL),
repos AS (SELECT * FROM stg_repos),
pairs AS (SELECT * FROM stg_pairs),
asked AS (
  SELECT DISTINCT blob_id
  FROM decisions
  WHERE path = $path AND repo_id IN (SELECT repo_id FROM named)
),
measured AS (
  SELECT right_blob_id AS blob_id, pairs.* FROM pairs JOIN asked ON asked.blob_id = left_blob_id
  UNION ALL
  SELECT left_blob_id, pairs.* FROM pairs JOIN asked ON asked.blob_id = right_blob_id
),
final AS (
  SELECT repos.name AS repo, decisions.path, decisions.reason, sameness, jaccard, containment, duplicate AS drops, bars,
    measured.blob_id
  FROM measured
  JOIN decisions USING (blob_id)
  JOIN repos USING (repo_id)
)
SELECT * FROM final
ORDER BY greatest(jaccard, containment) DESC, repo, path, blob_id
