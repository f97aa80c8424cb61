-- Bad result: a row with the relation mirror_or_unmarked_fork whose younger repository has kept files.
-- Question: Which repositories stand wholly or for the larger part in others, and is it known that they are forks?
-- Must be empty: no
-- Needs: repository_copies, repos
WITH
repository_copies AS (SELECT * FROM stg_repository_copies),
-- A fork may name its origin as the source does, by its address or by an alias.
repos AS (
  SELECT repo_id, name, url, first_commit_at,
    plain(fork_of) AS origin,
    list_transform(list_concat([name, url], aliases), lambda one: plain(one)) AS names
  FROM stg_repos
),
final AS (
  SELECT one.name AS repo, other.name AS stands_in, here.contents, here.shared, here.share,
    back.share AS share_of_the_other,
    CASE
      WHEN list_contains(other.names, one.origin) OR list_contains(one.names, other.origin) THEN 'fork'
      WHEN here.share >= 0.8 AND back.share >= 0.8 THEN 'mirror_or_unmarked_fork'
      WHEN here.share >= 0.8 THEN 'inside'
      ELSE 'overlap'
    END AS relation,
    one.first_commit_at < other.first_commit_at AS one_is_older,
    one.url, other.url AS stands_in_url
  FROM repository_copies AS here
  JOIN repos AS one ON one.repo_id = here.repo_id
  JOIN repos AS other ON other.repo_id = here.other_repo_id
  LEFT JOIN repository_copies AS back
    ON back.repo_id = here.other_repo_id AND back.other_repo_id = here.repo_id
)
SELECT * FROM final
ORDER BY share DESC, shared DESC, repo, stands_in, url, stands_in_url
