-- Bad result: the owner's own file, released under the name of somebody who copied it.
-- Question: Which files of a repository are not released because a duplicate elsewhere is?
-- Must be empty: no
-- Needs: decisions, docs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
WITH
decisions AS (SELECT * FROM stg_decisions),
docs AS (SELECT * FROM stg_docs),
repos AS (SELECT * FROM stg_repos),
asked AS (SELECT repo_id, url FROM repos SEMI JOIN named USING (repo_id)),
final AS (
  SELECT asked.url, decisions.path, reason, similarity, docs.repo AS released_as_repo, other.url AS released_as_url,
    docs.path AS released_as_path, docs.license
  FROM decisions JOIN asked USING (repo_id) JOIN docs ON docs.file_id = decisions.twin_file_id
  LEFT JOIN repos AS other ON other.repo_id = docs.repo_id
  WHERE reason LIKE '%\_duplicate' ESCAPE '\'
    AND docs.repo_id <> decisions.repo_id
)
SELECT * FROM final
ORDER BY ALL
