-- Bad result: a row whose other file is nothing like the example: then one cluster swallows what it should not.
-- Question: Which clusters removed or barred more than a set share of a language or of a repository?
-- Must be empty: no
-- Needs: clusters, decisions, features, repos
-- Parameter share (default 0.1): least share of the files of a language or repository that one cluster took out, 0 to 1
-- Parameter least (default 20): least number of files that it took out there
WITH
-- Texts of licences, by their names, are the same everywhere.
decisions AS (
  SELECT * FROM stg_decisions
  WHERE blob_id IS NOT NULL
    AND NOT regexp_matches(path, '(?i)(^|/)(licen[sc]es?/[^/]+|(un)?licen[sc]e([-_. ][^/]*)?|copying([-_. ][^/]*)?)$')
),
clusters AS (SELECT * FROM stg_clusters),
languages AS (
  SELECT blob_id, coalesce(min(language), 'unknown') AS language FROM stg_features GROUP BY blob_id
),
repos AS (SELECT repo_id, name, url FROM stg_repos),
files AS (
  SELECT decisions.*, coalesce(cluster_id, decisions.blob_id) AS cluster, language, repos.name AS repo, url,
    reason IN ('restricted_twin', 'copy_of_opted_out') AS barred,
    barred OR reason LIKE '%\_duplicate' ESCAPE '\' AS removed
  FROM decisions LEFT JOIN clusters USING (blob_id) LEFT JOIN languages USING (blob_id) JOIN repos USING (repo_id)
),
sides AS (
  SELECT 'language' AS of_what, language AS name, NULL AS url, cluster, removed, barred, file_id, twin_file_id, repo,
    path
  FROM files
  UNION ALL SELECT 'repository', repo, url, cluster, removed, barred, file_id, twin_file_id, repo, path
  FROM files
),
totals AS (SELECT of_what, name, url, count(*) AS files FROM sides GROUP BY of_what, name, url),
taken AS (
  SELECT of_what, name, url, cluster, count(*) AS removed, count(*) FILTER (WHERE barred) AS barred,
    min(file_id) AS example_id
  FROM sides WHERE removed GROUP BY of_what, name, url, cluster
),
final AS (
  SELECT taken.of_what, taken.name, taken.url, taken.cluster, taken.removed, taken.barred, totals.files,
    taken.removed / totals.files AS share,
    example.repo AS example_repo, example.path AS example_path, example.reason AS example_reason,
    example.similarity AS example_similarity, twin.repo AS kept_repo, twin.path AS kept_path
  FROM taken
  JOIN totals
    ON totals.of_what = taken.of_what AND totals.name = taken.name AND totals.url IS NOT DISTINCT FROM taken.url
  JOIN files AS example ON example.file_id = taken.example_id
  LEFT JOIN files AS twin ON twin.file_id = example.twin_file_id
  WHERE taken.removed >= CAST($least AS BIGINT) AND taken.removed >= CAST($share AS DOUBLE) * totals.files
)
SELECT * FROM final
ORDER BY share DESC, removed DESC, of_what, name, url, cluster
