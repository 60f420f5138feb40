<?php
/**
 * Settings of the demo's wikis; one file for all of them.
 *
 * tsbot/demo/wikis.py writes a JSON file and names it in TSBOT_DEMO_CONFIG; TSBOT_DEMO_WIKI says which wiki this is.
 * MediaWiki 1.39 (Debian 12) to 1.43 (Debian 13), SQLite.
 */

if ( !defined( 'MEDIAWIKI' ) ) {
	exit;
}

$tsbotDemo = json_decode( file_get_contents( getenv( 'TSBOT_DEMO_CONFIG' ) ), true, 16, JSON_THROW_ON_ERROR );
$wgDBname = getenv( 'TSBOT_DEMO_WIKI' );
$tsbotWiki = $tsbotDemo['wikis'][$wgDBname];
$tsbotFolder = $tsbotDemo['folder'];

// ---- this wiki ----
$wgSitename = $tsbotWiki['name'];
$wgMetaNamespace = $tsbotWiki['project'];
$wgLanguageCode = $tsbotWiki['language'];
$wgServer = $wgCanonicalServer = $tsbotWiki['url'];
$wgScriptPath = '/w';
$wgArticlePath = '/wiki/$1';
$wgUsePathInfo = true;
$wgSecretKey = $tsbotDemo['secret'];
$wgLocaltimezone = 'UTC';
$wgUploadDirectory = "$tsbotFolder/images/$wgDBname";
$wgCacheDirectory = "$tsbotFolder/cache/$wgDBname";
$wgEnableUploads = false;
$wgShowExceptionDetails = true;
$wgDebugLogGroups = [ 'exception' => "$tsbotFolder/log/exceptions.log", 'error' => "$tsbotFolder/log/exceptions.log" ];

// ---- database and caches ----
$wgDBtype = 'sqlite';
$wgSQLiteDataDir = "$tsbotFolder/data";
$wgObjectCaches[CACHE_DB] = [
	'class' => SqlBagOStuff::class,
	'loggroup' => 'SQLBagOStuff',
	'server' => [
		'type' => 'sqlite',
		'dbname' => 'wikicache',
		'tablePrefix' => '',
		'variables' => [ 'synchronous' => 'OFF' ],
		'dbDirectory' => $wgSQLiteDataDir,
		'trxMode' => 'IMMEDIATE',
		'flags' => 0,
	],
];
// Not APCu: maintenance scripts and the other wikis' servers have an APCu of their own, and what they change
// would stay unseen here. The database cache is shared by all of them.
$wgMainCacheType = $wgMessageCacheType = $wgParserCacheType = CACHE_DB;
// The demo looks at the events of an edit, not at what jobs do later (link tables, search index).
$wgJobRunRate = 0;

// ---- the family: one set of accounts, groups and blocks per wiki ----
$wgLocalDatabases = array_keys( $tsbotDemo['wikis'] );
$wgConf->wikis = $wgLocalDatabases;
$wgConf->suffixes = [ 'wiki' ];
$wgConf->settings = [
	'wgServer' => array_column( $tsbotDemo['wikis'], 'url', 'dbname' ),
	'wgCanonicalServer' => array_column( $tsbotDemo['wikis'], 'url', 'dbname' ),
	'wgLanguageCode' => array_column( $tsbotDemo['wikis'], 'language', 'dbname' ),
	'wgSitename' => array_column( $tsbotDemo['wikis'], 'name', 'dbname' ),
	'wgArticlePath' => [ 'default' => '/wiki/$1' ],
	'wgScriptPath' => [ 'default' => '/w' ],
];
// SQLite: core attaches <data>/metawiki.sqlite under its name. On its owner the same tables are in the schema
// "main", so the setting must stay unset there.
if ( $wgDBname !== 'metawiki' ) {
	$wgSharedDB = 'metawiki';
	$wgSharedTables = [ 'user', 'user_properties', 'user_autocreate_serial', 'actor', 'bot_passwords' ];
}
// Cookies ignore ports: without one session store the wikis would end each other's sessions.
$wgObjectCaches['tsbot-session'] = [ 'keyspace' => 'family' ] + $wgObjectCaches[CACHE_DB];
$wgSessionCacheType = 'tsbot-session';
$wgCookiePrefix = 'tsbotdemo';
$wgCrossSiteAJAXdomains = array_map(
	static fn ( $wiki ) => preg_replace( '!^https?://!', '', $wiki['url'] ),
	array_values( $tsbotDemo['wikis'] )
);

// ---- rights as on Wikimedia wikis ----
$wgGroupPermissions['sysop']['deleterevision'] = true;
$wgGroupPermissions['sysop']['deletelogentry'] = true;
$wgGroupPermissions['bot']['abusefilter-log-detail'] = true;
$wgGroupPermissions['steward']['userrights'] = true;
$wgGroupPermissions['steward']['userrights-interwiki'] = true;
$wgGroupPermissions['bot']['noratelimit'] = true;
$wgDeleteRevisionsLimit = 0;
$wgRateLimits = [];
$wgPasswordAttemptThrottle = [];
$wgAccountCreationThrottle = [];
$wgEnableBotPasswords = true;
$wgAllowUserJs = true;
// Newer versions keep names like ~2026-12345-67 for temporary accounts of their own making; here they are ordinary
// accounts, since 1.39 cannot make temporary ones through the API.
$wgAutoCreateTempUser = [ 'enabled' => false, 'reservedPattern' => null ] + $wgAutoCreateTempUser;

// Requests come from this machine only. Believing X-Forwarded-For gives every actor an address of its own, and keeps
// one autoblock from hitting all of them.
$wgCdnServersNoPurge = [ '127.0.0.1' ];
$wgUsePrivateIPs = true;

// ---- mail to the sink ----
$wgEnableEmail = $wgEnableUserEmail = true;
$wgEnotifUserTalk = $wgEnotifWatchlist = false;
$wgEmergencyContact = $wgPasswordSender = 'wiki@wiki.test';
$wgSMTP = [ 'host' => '127.0.0.1', 'IDHost' => 'wiki.test', 'port' => $tsbotDemo['mail_port'], 'auth' => false ];

// ---- extensions, as far as this MediaWiki brings them ----
wfLoadSkin( 'Vector' );
foreach ( $tsbotDemo['extensions'] as $tsbotExtension ) {
	wfLoadExtension( $tsbotExtension );
}

// ---- events ----
if ( $tsbotDemo['feed_port'] ) {
	require_once __DIR__ . '/Feed.php';
	$wgRCFeeds['tsbot'] = [
		'class' => UDPRCFeedEngine::class,
		'formatter' => TsbotDemoFeedFormatter::class,
		'uri' => "udp://127.0.0.1:{$tsbotDemo['feed_port']}",
		'add_interwiki_prefix' => false,
		'omit_bots' => false,
	];
	TsbotDemoFeed::register( (int)$tsbotDemo['feed_port'], $wgHooks );
}
