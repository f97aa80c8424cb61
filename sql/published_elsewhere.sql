-- Bad result: the owner's own file, released under the name of somebody who copied it.
-- Question: Which files of a repository are not released because a duplicate elsewhere is?
-- Must be empty: no
-- Needs: decisions, docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
asked AS (
  SELECT repo_id, name FROM repos
  WHERE repo_id = $repo
    OR list_contains(list_transform(list_concat([name, url], aliases), lambda one: plain(one)), plain($repo))
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
