-- Bad result: a held file whose objector is plainly not the origin, or a kept one whose objector may be the origin.
-- Question: Which files are held back since the owner of a similar one objected, or kept since that is outweighed?
-- Must be empty: no
-- Needs: decisions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT repo_id, name, first_commit_at FROM stg_repos),
about AS (
  SELECT *, list_filter(evidence, lambda said: starts_with(said, 'the objection of file '))[1] AS outweighed
  FROM decisions
),
held AS (
  SELECT file_id, repo_id, path, blob_id, reason, similarity, evidence,
    coalesce(regexp_extract(outweighed, '^the objection of file (\S+) is outweighed', 1), twin_file_id) AS twin_file_id
  FROM about
  WHERE reason = 'copy_of_opted_out' OR outweighed IS NOT NULL
),
final AS (
  SELECT one.name AS repo, held.path, held.reason, one.first_commit_at, other.name AS objector,
    twin.path AS objector_path, other.first_commit_at AS objector_first_commit_at,
    CASE WHEN held.reason = 'copy_of_opted_out' THEN held.similarity END AS similarity,
    held.blob_id = twin.blob_id AS same_bytes, held.evidence
  FROM held
  JOIN repos AS one USING (repo_id)
  LEFT JOIN decisions AS twin ON twin.file_id = held.twin_file_id
  LEFT JOIN repos AS other ON other.repo_id = twin.repo_id
)
SELECT * FROM final
ORDER BY ALL
