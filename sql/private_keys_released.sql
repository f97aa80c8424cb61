-- Bad result: any row. Each is a released text in which a block that begins as a private key goes on as one, or in
--   which such a block stands in base64, or what stands in such a block without the lines around it.
-- Question: Does any document, licence text or notice still hold a private key?
-- Must be empty: yes
-- Needs: documents, license_texts
WITH
documents AS (SELECT file_id, repo, path, text FROM stg_documents),
-- A licence text or a notice belongs to no one file: it is named by its id.
license_texts AS (
  SELECT NULL AS file_id, NULL AS repo, 'LICENSES/' || text_id || '.txt' AS path, try(decode(content)) AS text
  FROM stg_license_texts
),
published AS (SELECT * FROM documents UNION ALL SELECT * FROM license_texts),
-- "PRIVATE KEY" in base64, for each of the three places in a group of bytes where it may begin.
encoded AS (
  SELECT file_id, repo, path, unnest(regexp_extract_all(text, '[A-Za-z0-9+/]{160,}')) AS word
  FROM published
  WHERE regexp_matches(text, 'UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW')
),
texts AS (
  SELECT file_id, repo, path, text FROM published WHERE contains(text, 'PRIVATE')
  UNION ALL
  SELECT file_id, repo, path, try(decode(from_base64(word[: length(word) // 4 * 4]))) FROM encoded
),
-- The 64 characters behind the line BEGIN, or behind the line ends, quotes and blanks that follow it.
beginnings AS (
  SELECT file_id, repo, path, unnest(regexp_extract_all(
    text,
    '-{2,5} ?BEGIN[ +](?:[A-Z0-9]{1,12}[ +]){0,3}PRIVATE[ _+]KEY(?:[ +]BLOCK)? ?-{2,5}'
      || '(?:[ \t\r\n"''`,;#*|>()&.]|\\+[nr]|%0[AaDd])*([A-Za-z0-9+/]{64})',
    1
  )) AS body
  FROM texts
),
-- A line of a key that begins as RSA keys, keys of curves and keys of OpenSSH must, without the line BEGIN.
unarmoured AS (
  SELECT file_id, repo, path, unnest(regexp_extract_all(
    text,
    '(?:^|[^A-Za-z0-9+/_-])((?:MII[A-Za-z0-9+/]{2}[AQgw]IBA(?:DANBgkqhkiG9w0BAQEFAASC|A(?:KC|KB|JB))'
      || '|MI[GH][A-Za-z0-9+/]AgEAMB[MAQ]GByqGSM49AgE|MHcCAQEEI|b3BlbnNzaC1rZXktdjEA)[A-Za-z0-9+/]*)',
    1
  )) AS body
  FROM published
),
bodies AS (
  SELECT * FROM beginnings
  UNION ALL
  SELECT * FROM unarmoured WHERE length(body) >= 60  -- what is shorter was cut, and stands for a key in a text
),
final AS (
  SELECT repo, path, file_id, count(*) AS blocks
  FROM bodies
  WHERE regexp_matches(body, '[A-Z]') AND regexp_matches(body, '[a-z]') AND regexp_matches(body, '[0-9+/]')
  GROUP BY ALL
)
SELECT * FROM final
ORDER BY ALL
