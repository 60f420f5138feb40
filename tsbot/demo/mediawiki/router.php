<?php
// Router of `php -S`: /wiki/Title goes to index.php; /w/... is MediaWiki's folder (a link in the document root).
$path = parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
if ( $path === '/' ) {
	header( 'Location: /wiki/' );
	return true;
}
if ( $path === '/wiki' || strncmp( $path, '/wiki/', 6 ) === 0 ) {
	$root = getenv( 'TSBOT_DEMO_MEDIAWIKI' );
	$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/w/index.php';
	$_SERVER['SCRIPT_FILENAME'] = "$root/index.php";
	unset( $_SERVER['PATH_INFO'] );
	chdir( $root );
	require "$root/index.php";
	return true;
}
return false;
