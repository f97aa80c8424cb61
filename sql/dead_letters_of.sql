-- Bad result: a repository that failed for a reason that passes, and was not tried again.
-- Question: What of a repository was not read or not passed on?
-- Must be empty: no
-- Needs: dead_letters, files, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
dead_letters AS (SELECT * FROM stg_dead_letters),
files AS (SELECT * FROM stg_files),
repos AS (SELECT * FROM stg_repos),
-- A repository is asked for as people write it: its address in any of its forms, too.
spelled AS (
  SELECT repo_id, name,
    list_transform(
      list_concat([$repo, name, url], aliases),
      lambda one: regexp_replace(
        regexp_replace(lower(one), '^[a-z+]+://|^[^/@]+@|([.]git)?/*$', '', 'g'), '^([^/:]+):([^/0-9])', '\1/\2'
      )
    ) AS names
  FROM repos
),
asked AS (
  SELECT repo_id, name FROM spelled WHERE repo_id = $repo OR list_contains(names[2:], names[1])
),
own_ids AS (
  SELECT repo_id AS id, CAST(NULL AS VARCHAR) AS path FROM asked
  UNION ALL SELECT file_id, path FROM files WHERE repo_id IN (SELECT repo_id FROM asked)
  UNION ALL SELECT blob_id, path FROM files WHERE repo_id IN (SELECT repo_id FROM asked)
),
final AS (SELECT path, stage, error, hint, id FROM dead_letters JOIN own_ids USING (id))
SELECT * FROM final
ORDER BY path NULLS FIRST, stage, error, hint, id
