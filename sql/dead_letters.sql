-- Bad result: many records with one error. It is one cause, and one person can remove it.
-- Question: What was not read or not passed on, and what can a person do about it?
-- Must be empty: no
-- Needs: dead_letters, files, repos
WITH
dead_letters AS (SELECT * FROM stg_dead_letters),
files AS (SELECT * FROM stg_files),
repos AS (SELECT * FROM stg_repos),
places AS (SELECT concat(repos.name, ':', path) AS place, file_id, blob_id FROM files JOIN repos USING (repo_id)),
-- A letter is about a repository, a file, or a content that several files may hold.
known AS (
  SELECT repo_id AS id, name AS place FROM repos
  UNION ALL SELECT file_id, place FROM places
  UNION ALL SELECT blob_id, place FROM places
),
of_letters AS (SELECT id, min(place) AS place FROM known SEMI JOIN dead_letters USING (id) GROUP BY id),
final AS (
  SELECT stage, error, hint, count(*) AS records, min(coalesce(place, id)) AS for_example
  FROM dead_letters LEFT JOIN of_letters USING (id)
  GROUP BY stage, error, hint
)
SELECT * FROM final
ORDER BY stage, records DESC, error, hint
