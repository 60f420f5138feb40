<?php
/**
 * Maintenance script: makes the accounts of one demo wiki from the JSON file named in TSBOT_DEMO_ACCOUNTS.
 *
 * Accounts, addresses and bot passwords are shared by the family and made on metawiki; groups are given on each wiki.
 * One process for all of them: the stock scripts would need one start of PHP per account and step.
 */

use MediaWiki\MediaWikiServices;

require_once getenv( 'TSBOT_DEMO_MEDIAWIKI' ) . '/maintenance/Maintenance.php';

class TsbotDemoProvision extends Maintenance {

	public function __construct() {
		parent::__construct();
		$this->addDescription( 'Make the accounts of a demo wiki' );
	}

	public function execute() {
		$accounts = json_decode( file_get_contents( getenv( 'TSBOT_DEMO_ACCOUNTS' ) ), true, 16, JSON_THROW_ON_ERROR );
		$wiki = getenv( 'TSBOT_DEMO_WIKI' );
		$services = MediaWikiServices::getInstance();
		foreach ( $accounts as $account ) {
			$user = $services->getUserFactory()->newFromName( $account['name'] );
			if ( !$user ) {
				$this->fatalError( "not a user name: {$account['name']}" );
			}
			if ( $wiki === 'metawiki' ) {
				$this->create( $user, $account );
			}
			$services->getUserGroupManager()->addUserToMultipleGroups( $user, $account['groups'][$wiki] ?? [] );
		}
	}

	private function create( $user, array $account ): void {
		$services = MediaWikiServices::getInstance();
		if ( !$user->isRegistered() ) {
			$this->must( $services->getAuthManager()->autoCreateUser(
				$user, MediaWiki\Auth\AuthManager::AUTOCREATE_SOURCE_MAINT, false
			) );
		}
		$this->must( $user->changeAuthenticationData( [
			'username' => $user->getName(), 'password' => $account['password'], 'retype' => $account['password']
		] ) );
		if ( $account['email'] ) {
			$user->setEmail( $account['email'] );
			$user->setEmailAuthenticationTimestamp( wfTimestampNow() );
		}
		$user->saveSettings();
		if ( $account['bot_password'] ) {
			$botPassword = BotPassword::newUnsaved( [
				'username' => $user->getName(), 'appId' => $account['bot_app'], 'grants' => $account['grants']
			] );
			$this->must( $botPassword->save(
				'insert', $services->getPasswordFactory()->newFromPlaintext( $account['bot_password'] )
			) );
		}
	}

	private function must( $status ): void {
		if ( !$status->isOK() ) {
			$this->fatalError( print_r( $status->getErrors(), true ) );
		}
	}
}

$maintClass = TsbotDemoProvision::class;
require_once RUN_MAINTENANCE_IF_MAIN;
