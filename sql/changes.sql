-- Bad result: a file that is no longer kept, with no change of its content and no rule behind it.
-- Question: Which files are new, gone, changed or decided otherwise than in the earlier run, and why?
-- Must be empty: no
-- Needs: before_decisions, before_license_conclusions, before_repos, decisions, license_conclusions, repos
WITH
decisions AS (SELECT * FROM stg_decisions),
earlier AS (SELECT * FROM stg_before_decisions),
before_repos AS (SELECT repo_id, name FROM stg_before_repos),
-- A repository that is gone has its name from the earlier run.
repos AS (
  SELECT repo_id, name FROM stg_repos
  UNION ALL
  SELECT repo_id, name FROM before_repos ANTI JOIN stg_repos USING (repo_id)
),
both_runs AS (
  SELECT coalesce(now.file_id, old.file_id) AS file_id, coalesce(now.repo_id, old.repo_id) AS repo_id,
    coalesce(now.path, old.path) AS path, old.reason AS reason_before, now.reason, old.blob_id AS blob_before,
    now.blob_id, now.twin_file_id, now.similarity, now.evidence, now.rule, old.rule AS rule_before,
    old.twin_file_id AS twin_before, now.file_id IS NULL AS is_gone, old.file_id IS NULL AS is_new
  FROM decisions AS now FULL JOIN earlier AS old ON old.file_id = now.file_id
),
changed AS (
  SELECT * FROM both_runs
  WHERE is_gone OR is_new OR reason IS DISTINCT FROM reason_before OR blob_id IS DISTINCT FROM blob_before
    OR twin_file_id IS DISTINCT FROM twin_before
),
final AS (
  SELECT coalesce(repos.name, changed.repo_id) AS repo, changed.path, changed.reason_before, changed.reason,
    CASE
      WHEN is_new THEN 'the file is new'
      WHEN is_gone AND here.status = 'opted_out' THEN 'an owner objects: its repository was not fetched'
      WHEN is_gone AND here.status = 'failed' THEN 'its repository could not be read this time'
      WHEN is_gone THEN 'the file is gone'
      -- An objection comes before all else that changed with it.
      WHEN changed.reason = 'owner_opted_out' AND changed.reason_before <> 'owner_opted_out'
        THEN 'its owner objects now'
      WHEN changed.reason_before = 'owner_opted_out' AND changed.reason <> 'owner_opted_out'
        THEN 'its owner no longer objects'
      WHEN changed.reason = 'copy_of_opted_out' AND twin.reason = 'owner_opted_out'
        AND twin_old.reason <> 'owner_opted_out' THEN 'the owner of what it is a copy of objects now'
      WHEN changed.blob_id IS DISTINCT FROM changed.blob_before THEN 'its content changed'
      -- Its licence kept it out before it could yield to any other file.
      WHEN starts_with(changed.reason_before, 'license_') AND changed.twin_file_id IS NOT NULL
        AND stated.expression IS DISTINCT FROM stated_before.expression
        THEN concat(
          'its licence is now ', coalesce(stated.expression, 'none'), ', and was ',
          coalesce(stated_before.expression, 'none')
        )
      WHEN changed.twin_file_id IS NOT NULL AND twin_old.file_id IS NULL THEN 'the file that it yields to is new'
      WHEN changed.twin_file_id IS NOT NULL AND twin.blob_id IS DISTINCT FROM twin_old.blob_id
        THEN 'the content of the file that it yields to changed'
      WHEN changed.twin_file_id IS NOT NULL AND twin.reason IS DISTINCT FROM twin_old.reason
        THEN 'the file that it yields to was decided otherwise'
      WHEN changed.twin_before IS NOT NULL AND changed.twin_file_id IS NULL AND twin_gone.file_id IS NULL
        THEN 'the file that it yielded to is gone'
      WHEN changed.twin_before IS NOT NULL AND changed.twin_file_id IS NULL
        AND twin_gone.blob_id IS DISTINCT FROM twin_was.blob_id
        THEN 'the content of the file that it yielded to changed'
      WHEN changed.twin_before IS NOT NULL AND changed.twin_file_id IS NULL
        AND twin_gone.reason IS DISTINCT FROM twin_was.reason
        THEN 'the file that it yielded to was decided otherwise'
      WHEN changed.twin_before IS NOT NULL AND changed.twin_file_id IS NULL
        THEN 'it no longer yields to another file'
      WHEN changed.twin_file_id IS DISTINCT FROM changed.twin_before THEN 'it yields to another file now'
      WHEN starts_with(changed.rule, 'override ') AND changed.rule IS DISTINCT FROM changed.rule_before
        THEN 'a person decided about its licence'
      WHEN starts_with(changed.rule_before, 'override ') AND NOT starts_with(changed.rule, 'override ')
        THEN 'a person''s decision about its licence is gone'
      WHEN stated.expression IS DISTINCT FROM stated_before.expression
        THEN concat(
          'its licence is now ', coalesce(stated.expression, 'none'), ', and was ',
          coalesce(stated_before.expression, 'none')
        )
      WHEN stated.directory_expression IS DISTINCT FROM stated_before.directory_expression
        OR stated.claims IS DISTINCT FROM stated_before.claims
        THEN 'what else speaks of its licence changed'
      ELSE 'a rule, a policy or a detector changed'
    END AS why,
    twin_repo.name AS twin_repo, twin.path AS twin_path, changed.similarity, changed.evidence
  FROM changed
  LEFT JOIN repos ON repos.repo_id = changed.repo_id
  LEFT JOIN stg_repos AS here ON here.repo_id = changed.repo_id
  LEFT JOIN stg_license_conclusions AS stated ON stated.file_id = changed.file_id
  LEFT JOIN stg_before_license_conclusions AS stated_before ON stated_before.file_id = changed.file_id
  LEFT JOIN decisions AS twin ON twin.file_id = changed.twin_file_id
  LEFT JOIN earlier AS twin_old ON twin_old.file_id = changed.twin_file_id
  LEFT JOIN decisions AS twin_gone ON twin_gone.file_id = changed.twin_before
  LEFT JOIN earlier AS twin_was ON twin_was.file_id = changed.twin_before
  LEFT JOIN repos AS twin_repo ON twin_repo.repo_id = twin.repo_id
)
SELECT * FROM final
ORDER BY ALL
