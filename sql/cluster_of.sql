-- Bad result: a member that was dropped though its measures against the kept file are low.
-- Question: Which files are decided together with this one, and how alike are they to it?
-- Must be empty: no
-- Needs: clusters, decisions, pairs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (required): the path inside the repository
WITH
decisions AS (SELECT * FROM stg_decisions WHERE blob_id IS NOT NULL),
clusters AS (SELECT * FROM stg_clusters),
repos AS (SELECT * FROM stg_repos),
asked AS (
  SELECT file_id, blob_id
  FROM decisions
  WHERE path = $path AND repo_id IN (SELECT repo_id FROM named)
),
own AS (SELECT asked.*, cluster_id FROM asked LEFT JOIN clusters USING (blob_id)),
members AS (
  SELECT DISTINCT clusters.blob_id, own.blob_id AS asked_id FROM clusters JOIN own USING (cluster_id)
  UNION SELECT blob_id, blob_id FROM own
),
measures AS (
  SELECT left_blob_id AS asked_id, right_blob_id AS blob_id, sameness, jaccard, containment FROM stg_pairs AS pairs
  WHERE left_blob_id IN (SELECT blob_id FROM asked)
  UNION ALL
  SELECT right_blob_id, left_blob_id, sameness, jaccard, containment FROM stg_pairs AS pairs
  WHERE right_blob_id IN (SELECT blob_id FROM asked)
),
files AS (
  SELECT decisions.*, asked_id, decisions.blob_id = asked_id AS same_bytes,
    file_id IN (SELECT file_id FROM asked) AS is_asked
  FROM members JOIN decisions USING (blob_id)
),
final AS (
  SELECT repos.name AS repo, files.path, files.verdict, files.reason,
    CASE WHEN is_asked THEN 'itself' WHEN same_bytes THEN 'exact' ELSE coalesce(sameness, 'by way of others') END
      AS sameness,
    CASE WHEN is_asked THEN NULL WHEN same_bytes THEN 1.0 ELSE jaccard END AS jaccard,
    CASE WHEN is_asked THEN NULL WHEN same_bytes THEN 1.0 ELSE containment END AS containment,
    is_asked, files.file_id, files.blob_id, files.twin_file_id, files.similarity
  FROM files
  JOIN repos USING (repo_id)
  LEFT JOIN measures USING (blob_id, asked_id)
)
SELECT * FROM final
ORDER BY is_asked DESC, verdict, jaccard DESC NULLS LAST, repo, path, file_id
