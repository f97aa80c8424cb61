-- Bad result: a released repository without a row. Most licences ask that their notice goes with the copy.
-- Question: Which copyright lines go with the released files, by repository and licence?
-- Must be empty: no
-- Needs: docs, license_conclusions, license_findings, repos
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT * FROM stg_license_conclusions),
license_findings AS (SELECT * FROM stg_license_findings),
repos AS (SELECT * FROM stg_repos),
-- The lines stand in the file's own head, or in the files that its licence was read from.
sources AS (
  SELECT file_id, repo_id, license, blob_id FROM docs
  UNION
  SELECT file_id, repo_id, license, unnest(list_transform(evidence, lambda piece: piece.blob_id))
  FROM docs JOIN license_conclusions USING (file_id)
),
places AS (SELECT DISTINCT repo_id, license, blob_id FROM sources),
lines AS (
  SELECT DISTINCT repo_id, license, unnest(copyrights) AS copyright FROM places JOIN license_findings USING (blob_id)
),
counted AS (SELECT repo_id, repo, license, count(*) AS files FROM docs GROUP BY ALL),
final AS (
  SELECT counted.repo, repos.url, repos.version, counted.license, files, copyright
  FROM counted
  LEFT JOIN repos USING (repo_id)
  LEFT JOIN lines ON lines.repo_id = counted.repo_id AND lines.license = counted.license
)
SELECT * FROM final
ORDER BY ALL
