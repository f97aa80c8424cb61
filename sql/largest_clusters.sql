-- Bad result: a large cluster with many keepers that are nothing alike: a chain of weak links.
-- Question: Which clusters have the most files, and what became of them?
-- Must be empty: no
-- Needs: clusters, decisions, files, repos
-- Parameter most (default 50): how many clusters
WITH
decisions AS (SELECT * FROM stg_decisions WHERE blob_id IS NOT NULL),
clusters AS (SELECT * FROM stg_clusters),
repos AS (SELECT repo_id, name FROM stg_repos),
filled AS (SELECT file_id FROM stg_files WHERE size > 0),
files AS (
  SELECT decisions.*, coalesce(cluster_id, decisions.blob_id) AS cluster
  FROM decisions JOIN filled USING (file_id) LEFT JOIN clusters USING (blob_id)
),
counted AS (
  SELECT cluster, count(*) AS files, count(DISTINCT blob_id) AS contents, count(DISTINCT repo_id) AS repositories,
    count(*) FILTER (verdict = 'kept') AS kept,
    count(*) FILTER (reason LIKE '%\_duplicate' ESCAPE '\') AS duplicates,
    min(similarity) FILTER (reason LIKE '%\_duplicate' ESCAPE '\') AS least_similarity,
    coalesce(min(file_id) FILTER (reason LIKE '%\_duplicate' ESCAPE '\'), min(file_id)) AS example_id
  FROM files
  GROUP BY cluster
  HAVING count(*) > 1
),
final AS (
  SELECT counted.* EXCLUDE (example_id), repos.name AS example_repo, example.path AS example_path
  FROM counted
  JOIN decisions AS example ON example.file_id = counted.example_id
  JOIN repos USING (repo_id)
  QUALIFY row_number() OVER (ORDER BY files DESC, cluster) <= CAST($most AS BIGINT)
)
SELECT * FROM final
ORDER BY files DESC, cluster
