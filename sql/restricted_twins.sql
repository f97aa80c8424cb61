-- Bad result: a kept file whose twin is older than it.
-- Question: Which files also stand elsewhere under a licence that is not allowed?
-- Must be empty: no
-- Needs: decisions, license_conclusions, pairs, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT file_id, expression FROM stg_license_conclusions),
repos AS (SELECT repo_id, name, first_commit_at FROM stg_repos),
judged AS (
  SELECT decisions.*, expression, repos.name AS repo, repos.first_commit_at
  FROM decisions LEFT JOIN license_conclusions USING (file_id) LEFT JOIN repos USING (repo_id)
),
quarantined AS (SELECT * FROM judged WHERE reason = 'restricted_twin'),
kept AS (SELECT * FROM judged WHERE verdict = 'kept'),
restricted AS (SELECT * FROM judged WHERE reason = 'license_not_allowed'),
-- Kept all the same, with the file that bars it: equal, or alike in a way that bars.
alike AS (
  SELECT blob_id, blob_id AS twin_blob_id, 1.0 AS similarity FROM restricted GROUP BY blob_id
  UNION SELECT left_blob_id, right_blob_id, similarity FROM stg_pairs WHERE bars
  UNION SELECT right_blob_id, left_blob_id, similarity FROM stg_pairs WHERE bars
),
final AS (
  SELECT one.repo, one.path, one.verdict, one.expression, one.first_commit_at, one.similarity,
    twin.repo AS twin_repo, twin.path AS twin_path, twin.expression AS twin_expression,
    twin.first_commit_at AS twin_first_commit_at
  FROM quarantined AS one LEFT JOIN judged AS twin ON twin.file_id = one.twin_file_id
  UNION ALL
  SELECT one.repo, one.path, one.verdict, one.expression, one.first_commit_at, alike.similarity, twin.repo, twin.path,
    twin.expression, twin.first_commit_at
  FROM kept AS one
  JOIN alike ON alike.blob_id = one.blob_id
  JOIN restricted AS twin ON twin.blob_id = alike.twin_blob_id
)
SELECT * FROM final
ORDER BY ALL
