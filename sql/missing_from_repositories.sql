-- Bad result: a file that others of its repository cannot do without, such as a module that they all import.
-- Question: What do repositories with kept files lack, for which reason, and where is the kept copy if there is one?
-- Must be empty: no
-- Needs: dead_letters, decisions, repos
-- Parameter repo (default none): the repository: owner/name, an alias, its URL or its repo_id; without it, all
WITH
decisions AS (SELECT * FROM stg_decisions),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, name FROM repos SEMI JOIN named USING (repo_id)),
incomplete AS (SELECT DISTINCT repo_id FROM decisions WHERE verdict = 'kept' AND len(missing) > 0),
final AS (
  SELECT asked.name AS repo, lost.path, lost.reason, elsewhere.name AS kept_in, twin.path AS kept_path
  FROM decisions AS lost
  JOIN asked USING (repo_id)
  SEMI JOIN incomplete USING (repo_id)
  LEFT JOIN decisions AS twin ON twin.file_id = lost.twin_file_id AND twin.verdict = 'kept'
  LEFT JOIN repos AS elsewhere ON elsewhere.repo_id = twin.repo_id
  WHERE lost.verdict = 'rejected'
  UNION ALL
  -- Kept, and then not passed on, as where another document has the same text.
  SELECT asked.name, lost.path, letters.error, NULL, NULL
  FROM stg_dead_letters AS letters
  JOIN decisions AS lost ON lost.file_id = letters.id
  JOIN asked USING (repo_id)
  WHERE lost.verdict = 'kept'
)
SELECT * FROM final
ORDER BY ALL
