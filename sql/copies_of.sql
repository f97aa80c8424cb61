-- Bad result: a kept copy in a repository that has nothing to do with this one, and that is younger.
-- Question: Which files of other repositories are copies of the files of this one, and in which way?
-- Must be empty: no
-- Needs: decisions, pairs, repos
-- Parameter repo (required): the repository: owner/name, an alias, its URL or its repo_id
-- Parameter path (default none): the path of one file inside the repository; without it, all files
WITH
decisions AS (SELECT * FROM stg_decisions),
pairs AS (SELECT * FROM stg_pairs),
repos AS (
  SELECT *, plain(fork_of) AS origin,
    list_transform(list_concat([name, url], aliases), lambda one: plain(one)) AS known_as
  FROM stg_repos
),
own AS (
  SELECT path, blob_id, repo_id, first_commit_at, origin, known_as, url
  FROM decisions JOIN repos USING (repo_id)
  WHERE blob_id IS NOT NULL AND repo_id IN (SELECT repo_id FROM named) AND ($path = '' OR path = $path)
),
near AS (
  SELECT left_blob_id AS blob_id, right_blob_id AS copy_id, sameness, similarity, inner_blob_id FROM pairs WHERE bars
  UNION ALL SELECT right_blob_id, left_blob_id, sameness, similarity, inner_blob_id FROM pairs WHERE bars
),
copies AS (
  SELECT own.*, own.blob_id AS copy_id, 'exact' AS kind, 1.0 AS similarity FROM own
  -- What stands in a file as a part, such as the text of its licence, is no copy of the file.
  UNION ALL SELECT own.*, copy_id,
    CASE WHEN sameness = 'contained' AND inner_blob_id = copy_id THEN 'part' ELSE sameness END, near.similarity
  FROM own JOIN near USING (blob_id)
),
final AS (
  SELECT copies.url, copies.path, copies.kind, copies.similarity, repos.name AS other_repo, repos.url AS other_url,
    other.path AS other_path,
    other.verdict AS other_verdict, other.reason AS other_reason,
    repos.first_commit_at < copies.first_commit_at AS other_is_older,
    coalesce(list_contains(copies.known_as, repos.origin), false)
      OR coalesce(list_contains(repos.known_as, copies.origin), false) AS one_is_fork_of_the_other
  FROM copies
  JOIN decisions AS other ON other.blob_id = copies.copy_id
  JOIN repos ON repos.repo_id = other.repo_id
  WHERE other.repo_id <> copies.repo_id
)
SELECT * FROM final
ORDER BY ALL
