-- Bad result: any row. Each is a kept or released file of a repository that carries an opt-out declaration.
-- Question: Which repositories say no in a file of their own, and are in the set all the same?
-- Must be empty: yes
-- Needs: decisions, docs, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
signalled AS (SELECT repo_id, name, optout_signal FROM repos WHERE optout_signal IS NOT NULL),
held AS (
  SELECT 'decisions' AS found_in, repo_id, path, file_id FROM decisions WHERE verdict = 'kept'
  UNION ALL SELECT 'docs', repo_id, path, file_id FROM docs
),
final AS (SELECT found_in, name AS repo, path, file_id, optout_signal FROM held JOIN signalled USING (repo_id))
SELECT * FROM final
ORDER BY ALL
