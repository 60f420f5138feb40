<?php
/**
 * The wikis' events, sent as JSON datagrams to the EventStreams twin (tsbot/demo/twin.py).
 *
 * Debian's MediaWiki has no EventBus extension. What it would send is made here from the same hooks, in the shapes of
 * the published schemas mediawiki/recentchange 1.0.0, mediawiki/page/change 1.2.0, mediawiki/revision/visibility-change
 * 1.0.0 and mediawiki/page/delete 1.0.0. "_stream", "_uri" and "_request_id" become "meta" in the twin. As in
 * production, a suppression is in no public stream except as a change of visibility without a performer.
 */

use MediaWiki\MediaWikiServices;
use MediaWiki\Revision\RevisionRecord;
use MediaWiki\Storage\EditResult;

/** recentchange with the fields that only EventBus adds. */
class TsbotDemoFeedFormatter extends JSONRCFeedFormatter {

	public function getLine( array $feed, $rc, $actionComment ) {
		$packet = json_decode( parent::getLine( $feed, $rc, $actionComment ), true );
		$packet['_stream'] = 'mediawiki.recentchange';
		$packet['_request_id'] = WebRequest::getRequestId();
		$title = $rc->getTitle();
		$packet['title_url'] = $packet['_uri'] = $title->getCanonicalURL();
		$packet['notify_url'] = self::diffUrl( $packet ) ?? $packet['title_url'];
		$packet['parsedcomment'] = MediaWikiServices::getInstance()->getCommentFormatter()
			->format( $packet['comment'] ?? '', $title );
		return TsbotDemoFeed::encode( $packet );
	}

	private static function diffUrl( array $packet ): ?string {
		[ 'old' => $old, 'new' => $new ] = $packet['revision'] ?? [ 'old' => null, 'new' => null ];
		if ( !$new ) {
			return null;
		}
		$query = $old ? "diff=$new&oldid=$old" : "oldid=$new";
		return "{$packet['server_url']}{$packet['server_script_path']}/index.php?$query";
	}
}

class TsbotDemoFeed {

	private const KINDS = [
		'create' => 'insert', 'edit' => 'update', 'move' => 'update', 'visibility_change' => 'update', 'delete' => 'delete',
	];
	private const REVERT_METHODS = [
		EditResult::REVERT_ROLLBACK => 'rollback', EditResult::REVERT_UNDO => 'undo', EditResult::REVERT_MANUAL => 'manual',
	];

	private int $port;

	private function __construct( int $port ) {
		$this->port = $port;
	}

	/** Attach to the hooks. */
	public static function register( int $port, array &$hooks ): void {
		$feed = new self( $port );
		$hooks['PageSaveComplete'][] = [ $feed, 'onPageSaveComplete' ];
		$hooks['PageMoveComplete'][] = [ $feed, 'onPageMoveComplete' ];
		$hooks['PageDeleteComplete'][] = [ $feed, 'onPageDeleteComplete' ];
		$hooks['ArticleRevisionVisibilitySet'][] = [ $feed, 'onArticleRevisionVisibilitySet' ];
	}

	public static function encode( array $event ): string {
		return json_encode( $event, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE );
	}

	public function onPageSaveComplete( $wikiPage, $user, $summary, $flags, $revision, $editResult ): void {
		if ( $editResult->isNullEdit() ) {
			return;
		}
		$kind = ( $flags & EDIT_NEW ) ? 'create' : 'edit';
		$event = $this->pageChange( $kind, $wikiPage->getTitle(), $wikiPage->getId(), $revision->getTimestamp(), $user, $revision );
		$parent = $this->parentOf( $revision );
		if ( $parent ) {
			$event['prior_state'] = [ 'revision' => $this->revision( $parent ) ];
		}
		if ( $editResult->isRevert() ) {
			$event['revision']['revert'] = $this->revert( $editResult );
		}
		$this->send( $event );
	}

	public function onPageMoveComplete( $old, $new, $user, $pageId, $redirectId, $reason, $revision ): void {
		$title = Title::newFromLinkTarget( $new );
		$event = $this->pageChange( 'move', $title, $pageId, $revision->getTimestamp(), $user, $revision );
		$event['comment'] = $reason;
		$oldTitle = Title::newFromLinkTarget( $old );
		$event['prior_state'] = [ 'page' => [
			'page_title' => $oldTitle->getPrefixedDBkey(), 'namespace_id' => $oldTitle->getNamespace(), 'page_id' => $pageId,
		] ];
		$parent = $this->parentOf( $revision );
		if ( $parent ) {
			$event['prior_state']['revision'] = $this->revision( $parent );
		}
		if ( $redirectId ) {
			$event['created_redirect_page'] = [
				'page_id' => $redirectId, 'page_title' => $oldTitle->getPrefixedDBkey(),
				'namespace_id' => $oldTitle->getNamespace(), 'is_redirect' => true,
			];
		}
		$this->send( $event );
	}

	public function onPageDeleteComplete( $page, $deleter, $reason, $pageId, $revision, $logEntry, $revisionCount ): void {
		$title = Title::castFromPageIdentity( $page );
		$suppressed = $logEntry->getType() === 'suppress';
		$performer = $suppressed ? null : $deleter->getUser();
		$event = $this->pageChange( 'delete', $title, $pageId, $logEntry->getTimestamp(), $performer, null );
		$event['comment'] = $reason;
		$event['page']['revision_count'] = $revisionCount;
		$bits = $suppressed ? RevisionRecord::SUPPRESSED_ALL : $revision->getVisibility();
		$event['revision'] = $this->revision( $revision, $bits );
		if ( $suppressed ) {
			$event['prior_state'] = [ 'revision' => $this->visibility( $revision->getVisibility() ) ];
		}
		$this->send( $event );
		if ( $suppressed ) {
			return; // mediawiki.page-suppress is a private stream
		}
		$this->send( [
			'$schema' => '/mediawiki/page/delete/1.0.0',
			'_stream' => 'mediawiki.page-delete',
			'database' => $this->wiki(),
			'performer' => $this->legacyPerformer( $performer ),
			'page_id' => $pageId,
			'page_title' => $title->getPrefixedDBkey(),
			'page_namespace' => $title->getNamespace(),
			'page_is_redirect' => false,
			'rev_id' => $revision->getId(),
			'rev_count' => $revisionCount,
			'comment' => $reason,
			'parsedcomment' => $this->format( $reason, $title ),
			'_uri' => $title->getCanonicalURL(),
		] );
	}

	public function onArticleRevisionVisibilitySet( $title, $ids, $changes ): void {
		$store = MediaWikiServices::getInstance()->getRevisionStore();
		$user = RequestContext::getMain()->getUser();
		foreach ( $ids as $id ) {
			$revision = $store->getRevisionById( $id, IDBAccessObject::READ_LATEST );
			if ( !$revision ) {
				continue;
			}
			[ 'oldBits' => $old, 'newBits' => $new ] = $changes[$id];
			$restricted = ( $old | $new ) & RevisionRecord::DELETED_RESTRICTED;
			$names = static fn ( int $bits ) => [
				'text' => !( $bits & RevisionRecord::DELETED_TEXT ),
				'user' => !( $bits & RevisionRecord::DELETED_USER ),
				'comment' => !( $bits & RevisionRecord::DELETED_COMMENT ),
			];
			$event = [
				'$schema' => '/mediawiki/revision/visibility-change/1.0.0',
				'_stream' => 'mediawiki.revision-visibility-change',
				'database' => $this->wiki(),
				'page_id' => $revision->getPageId(),
				'page_title' => $title->getPrefixedDBkey(),
				'page_namespace' => $title->getNamespace(),
				'page_is_redirect' => $title->isRedirect(),
				'rev_id' => (int)$id,
				'rev_parent_id' => $revision->getParentId(),
				'rev_timestamp' => wfTimestamp( TS_ISO_8601, $revision->getTimestamp() ),
				'rev_minor_edit' => $revision->isMinor(),
				'rev_len' => $revision->getSize(),
				'rev_content_model' => 'wikitext',
				'rev_content_format' => 'text/x-wiki',
				'visibility' => $names( $new ),
				'prior_state' => [ 'visibility' => $names( $old ) ],
				'_uri' => $title->getCanonicalURL(),
			];
			if ( !( $new & RevisionRecord::DELETED_TEXT ) ) {
				$event['rev_sha1'] = $revision->getSha1();
			}
			if ( !$restricted ) {
				$event['performer'] = $this->legacyPerformer( $user );
			}
			$this->send( $event );
			if ( $revision->isCurrent() ) {
				$change = $this->pageChange(
					'visibility_change', $title, $revision->getPageId(), wfTimestampNow(), $restricted ? null : $user, $revision
				);
				$change['prior_state'] = [ 'revision' => $this->visibility( $old ) ];
				$this->send( $change );
			}
		}
	}

	private function pageChange( string $kind, $title, int $pageId, string $timestamp, $performer, $revision ): array {
		$event = [
			'$schema' => '/mediawiki/page/change/1.2.0',
			'_stream' => 'mediawiki.page_change.v1',
			'changelog_kind' => self::KINDS[$kind],
			'page_change_kind' => $kind,
			'dt' => wfTimestamp( TS_ISO_8601, $timestamp ),
			'wiki_id' => $this->wiki(),
			'page' => [
				'page_id' => $pageId,
				'page_title' => $title->getPrefixedDBkey(),
				'namespace_id' => $title->getNamespace(),
				'is_redirect' => $title->isRedirect(),
			],
			'_uri' => $title->getCanonicalURL(),
		];
		if ( $performer ) {
			$event['performer'] = $this->user( $performer );
		}
		if ( $revision ) {
			$event['revision'] = $this->revision( $revision );
		}
		return $event;
	}

	private function revision( RevisionRecord $revision, ?int $bits = null ): array {
		$bits ??= $revision->getVisibility();
		$event = [
			'rev_id' => $revision->getId(),
			'rev_dt' => wfTimestamp( TS_ISO_8601, $revision->getTimestamp() ),
			'is_minor_edit' => $revision->isMinor(),
		] + $this->visibility( $bits );
		if ( $revision->getParentId() ) {
			$event['rev_parent_id'] = $revision->getParentId();
		}
		if ( !( $bits & RevisionRecord::DELETED_COMMENT ) ) {
			$event['comment'] = $revision->getComment( RevisionRecord::RAW )->text;
		}
		if ( !( $bits & RevisionRecord::DELETED_USER ) ) {
			$event['editor'] = $this->user( $revision->getUser( RevisionRecord::RAW ) );
		}
		if ( $bits & RevisionRecord::DELETED_TEXT ) {
			return $event;
		}
		$event['rev_size'] = $revision->getSize();
		$event['rev_sha1'] = $revision->getSha1();
		foreach ( $revision->getSlots()->getSlots() as $role => $slot ) {
			$event['content_slots'][$role] = [
				'slot_role' => $role,
				'content_model' => $slot->getModel(),
				'content_sha1' => $slot->getSha1(),
				'content_size' => $slot->getSize(),
				'content_format' => $slot->getContent()->getDefaultFormat(),
				'origin_rev_id' => $slot->getOrigin(),
			];
		}
		return $event;
	}

	private function visibility( int $bits ): array {
		return [
			'is_content_visible' => !( $bits & RevisionRecord::DELETED_TEXT ),
			'is_editor_visible' => !( $bits & RevisionRecord::DELETED_USER ),
			'is_comment_visible' => !( $bits & RevisionRecord::DELETED_COMMENT ),
		];
	}

	private function revert( EditResult $result ): array {
		$event = [ 'is_exact' => $result->isExactRevert() ];
		$method = self::REVERT_METHODS[$result->getRevertMethod()] ?? null;
		if ( $method ) {
			$event['method'] = $method;
		}
		$original = $result->getOriginalRevisionId();
		if ( $original ) {
			$event['rev_original_id'] = $original;
			$revision = MediaWikiServices::getInstance()->getRevisionStore()->getRevisionById( $original );
			if ( $revision ) {
				$event['rev_original_dt'] = wfTimestamp( TS_ISO_8601, $revision->getTimestamp() );
			}
		}
		if ( $result->getOldestRevertedRevisionId() ) {
			$event['rev_reverted_oldest_id'] = $result->getOldestRevertedRevisionId();
			$event['rev_reverted_newest_id'] = $result->getNewestRevertedRevisionId();
		}
		return $event;
	}

	private function user( $identity ): array {
		$services = MediaWikiServices::getInstance();
		$user = $services->getUserFactory()->newFromUserIdentity( $identity );
		$event = [
			'user_text' => $user->getName(),
			'groups' => array_values( $services->getUserGroupManager()->getUserEffectiveGroups( $user ) ),
			'is_bot' => $user->isRegistered() && $user->isBot(),
			'is_system' => $user->isSystemUser(),
			// The demo's temporary accounts are ordinary accounts with a name of that form.
			'is_temp' => (bool)preg_match( '/^~2\d{3}-/', $user->getName() ),
		];
		if ( $user->isRegistered() ) {
			$event['user_id'] = $event['user_central_id'] = $user->getId();
			$event['edit_count'] = (int)$user->getEditCount();
			if ( $user->getRegistration() ) {
				$event['registration_dt'] = wfTimestamp( TS_ISO_8601, $user->getRegistration() );
			}
		}
		return $event;
	}

	/** The user of the older schemas, where each name has a prefix. */
	private function legacyPerformer( $identity ): array {
		$user = $this->user( $identity );
		$event = [ 'user_text' => $user['user_text'], 'user_groups' => $user['groups'], 'user_is_bot' => $user['is_bot'] ];
		foreach ( [ 'user_id' => 'user_id', 'registration_dt' => 'user_registration_dt', 'edit_count' => 'user_edit_count' ] as $from => $to ) {
			if ( isset( $user[$from] ) ) {
				$event[$to] = $user[$from];
			}
		}
		return $event;
	}

	private function parentOf( RevisionRecord $revision ): ?RevisionRecord {
		$id = $revision->getParentId();
		return $id ? MediaWikiServices::getInstance()->getRevisionStore()->getRevisionById( $id ) : null;
	}

	private function format( string $comment, $title ): string {
		return MediaWikiServices::getInstance()->getCommentFormatter()->format( $comment, $title );
	}

	private function wiki(): string {
		return $GLOBALS['wgDBname'];
	}

	/** Send once the change is committed, like EventBus, so that whoever is told can read it. */
	private function send( array $event ): void {
		$event['_request_id'] = WebRequest::getRequestId();
		$datagram = self::encode( $event );
		DeferredUpdates::addCallableUpdate( function () use ( $datagram ) {
			$socket = stream_socket_client( "udp://127.0.0.1:{$this->port}" );
			fwrite( $socket, $datagram );
			fclose( $socket );
		} );
	}
}
