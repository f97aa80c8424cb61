-- Bad result: the owner's own file, released under the name of somebody who copied it.
-- Question: Which files of a repository are not released because a duplicate elsewhere is?
-- Must be empty: no
-- Needs: decisions, docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
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
final AS (
  SELECT decisions.path, reason, similarity, docs.repo AS released_as_repo, docs.path AS released_as_path, docs.license
  FROM decisions JOIN docs ON docs.file_id = decisions.twin_file_id
  WHERE reason LIKE '%\_duplicate' ESCAPE '\'
    AND decisions.repo_id IN (SELECT repo_id FROM asked)
    AND docs.repo_id NOT IN (SELECT repo_id FROM asked)
)
SELECT * FROM final
ORDER BY ALL
