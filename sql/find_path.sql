-- Bad result: no row. The repository holds nothing of this name.
-- Question: Which files of a repository have this path, or one like it?
-- Must be empty: no
-- Needs: decisions, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (required): the path of the file inside the repository
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
compared AS (
  SELECT path, verdict, reason, path = $path AS is_same,
    greatest(
      jaro_winkler_similarity(lower(path), lower($path)),
      -- A part of the path is missing, or too much is there, such as the folder of an archive.
      CASE WHEN ends_with(lower(path), '/' || lower($path)) THEN 0.99
        WHEN ends_with(lower($path), '/' || lower(path)) THEN 0.98 ELSE 0 END
    ) AS likeness
  FROM decisions
  WHERE repo_id IN (SELECT repo_id FROM asked)
),
final AS (
  SELECT is_same, round(likeness, 4) AS likeness, path, verdict, reason
  FROM compared
  WHERE is_same OR likeness >= 0.75
)
SELECT * FROM final
ORDER BY is_same DESC, likeness DESC, path
LIMIT 10
