-- Bad result: a kept origin that is younger than another one under a stricter licence.
-- Question: Where does one content occur, oldest repository first?
-- Must be empty: no
-- Needs: decisions, license_conclusions, repos
-- Parameter blob (required): git content id, 40 hexadecimal digits, or a SWHID of it, with qualifiers or without
WITH
decisions AS (SELECT * FROM stg_decisions),
license_conclusions AS (SELECT file_id, expression FROM stg_license_conclusions),
repos AS (SELECT * FROM stg_repos),
final AS (
  SELECT repos.first_commit_at, repos.name AS repo, path, repos.version, repos.fork_of, expression,
    verdict, reason, file_id
  FROM decisions
  LEFT JOIN repos USING (repo_id)
  LEFT JOIN license_conclusions USING (file_id)
  WHERE blob_id = $blob
)
SELECT * FROM final
ORDER BY first_commit_at NULLS LAST, repo, path, file_id
