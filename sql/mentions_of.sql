-- Bad result: a row for a person who was told that nothing of theirs is in the set.
-- Question: Where in a release does a name, an address or any other text still stand?
-- Must be empty: no
-- Needs: documents, license_texts, notices
-- Parameter text (required): what is looked for, in any capitals; it is written nowhere
WITH
documents AS (SELECT file_id, repo, path, text FROM stg_documents),
notices AS (SELECT file_id, repo, path, copyrights FROM stg_notices),
license_texts AS (
  SELECT 'LICENSES/' || text_id || '.txt' AS path, try(decode(content)) AS text FROM stg_license_texts
),
places AS (
  SELECT 'text' AS found_in, repo, path, file_id, lower(text) AS text FROM documents
  UNION ALL
  SELECT 'copyright line', repo, path, file_id, lower(array_to_string(copyrights, chr(10))) FROM notices
  UNION ALL
  SELECT 'licence text', NULL, path, NULL, lower(text) FROM license_texts
  UNION ALL
  SELECT 'path', repo, path, file_id, lower(repo || '/' || path) FROM documents
),
final AS (
  SELECT found_in, repo, path, file_id,
    (length(text) - length(replace(text, lower($text), ''))) // length($text) AS places
  FROM places
  WHERE $text <> '' AND contains(text, lower($text))
)
SELECT * FROM final
ORDER BY repo, path, file_id, found_in
