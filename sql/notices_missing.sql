-- Bad result: any row. Each is a released file whose licence asks for a notice that this release does not hold.
-- Question: Which released files lack the notice that their licence asks for?
-- Must be empty: yes
-- Needs: docs, license_conclusions, license_findings, license_texts, notices
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT file_id, evidence FROM stg_license_conclusions),
license_findings AS (SELECT blob_id, copyrights FROM stg_license_findings WHERE len(copyrights) > 0),
license_texts AS (SELECT text_id, licenses FROM stg_license_texts WHERE octet_length(content) > 0),
notices AS (SELECT * FROM stg_notices),
released AS (
  SELECT docs.file_id, docs.repo, docs.path, docs.blob_id, docs.license, notices.license AS noticed, owed,
    notices.copyrights AS noticed_lines, texts, notices.notices AS noticed_files, coalesce(evidence, []) AS evidence
  FROM docs LEFT JOIN notices USING (file_id) LEFT JOIN license_conclusions USING (file_id)
),
-- What is owed is found here anew, from the evidence, and compared with what the notices hold.
sources AS (
  SELECT file_id, blob_id FROM released
  UNION
  SELECT file_id, unnest(list_transform(evidence, lambda piece: piece.blob_id)) FROM released
),
owed_lines AS (
  SELECT DISTINCT file_id, unnest(copyrights) AS line FROM sources JOIN license_findings USING (blob_id)
),
lines_left_out AS (
  SELECT DISTINCT file_id FROM owed_lines JOIN released USING (file_id)
  WHERE NOT coalesce(list_contains(noticed_lines, line), false)
),
named_texts AS (SELECT file_id, unnest(list_concat(texts, noticed_files)) AS text_id FROM released),
texts_left_out AS (SELECT DISTINCT file_id FROM named_texts ANTI JOIN license_texts USING (text_id)),
text_words AS (
  SELECT DISTINCT text_id, unnest(regexp_extract_all(lower(array_to_string(licenses, ' ')), '[a-z0-9.+:_-]+')) AS word
  FROM license_texts
),
owed_words AS (SELECT file_id, unnest(owed) AS name FROM released),
covered AS (SELECT DISTINCT file_id, word FROM named_texts JOIN text_words USING (text_id)),
not_covered AS (
  SELECT DISTINCT owed_words.file_id
  FROM owed_words ANTI JOIN covered ON covered.file_id = owed_words.file_id AND covered.word = lower(name)
),
judged AS (
  SELECT repo, path, file_id, license,
    CASE
      WHEN noticed IS NULL THEN 'it has no row in the notices'
      WHEN noticed <> license THEN 'its notice is for another licence'
      WHEN file_id IN (SELECT file_id FROM not_covered) THEN 'no text of its licence'
      WHEN file_id IN (SELECT file_id FROM texts_left_out) THEN 'a text that its notice names is not there'
      WHEN file_id IN (SELECT file_id FROM lines_left_out) THEN 'a copyright line is left out'
    END AS problem
  FROM released
),
final AS (SELECT * FROM judged WHERE problem IS NOT NULL)
SELECT * FROM final
ORDER BY ALL
