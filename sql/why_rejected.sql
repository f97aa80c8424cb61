-- Bad result: no row. Every file that a source named has one, kept and skipped ones too.
-- Question: Why was a file rejected, or kept?
-- Must be empty: no
-- Needs: decisions, files, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (required): the path of the file inside the repository
WITH
decisions AS (SELECT * FROM stg_decisions),
files AS (SELECT * FROM stg_files),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
decided AS (SELECT * FROM decisions WHERE path = $path AND repo_id IN (SELECT repo_id FROM asked)),
twins AS (
  SELECT file_id AS twin_file_id, coalesce(repos.name, repo_id) AS twin_repo, path AS twin_path,
    verdict AS twin_verdict
  FROM decisions LEFT JOIN repos USING (repo_id)
  WHERE file_id IN (SELECT twin_file_id FROM decided WHERE twin_file_id IS NOT NULL)
),
final AS (
  SELECT asked.name AS repo, decided.path, verdict, reason, rule, rule_version, decided.evidence, similarity,
    twin_repo, twin_path, twin_verdict, file_id, decided.blob_id, files.mode, files.size, files.link
  FROM decided
  JOIN asked USING (repo_id)
  LEFT JOIN files USING (file_id)
  LEFT JOIN twins USING (twin_file_id)
)
SELECT * FROM final
ORDER BY repo, path, file_id
