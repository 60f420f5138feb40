/**
 * Special:RevisionDelete: ticks the boxes that the link names, and tells the console once the wiki shows the revisions hidden.
 * It never unticks, never presses the button, and tells of nothing but what a link of the console led to.
 */
gadget.form = ( function () {
	var PLACE = 'tsbot-hiding',
		AT_ONCE = 50,
		LATEST = 3600000, // milliseconds
		// The API says of a revision what is hidden of it (prop=revisions, formatversion 2).
		PARTS = {
			content: { box: 'wpHidePrimary', shown: 'sha1hidden' },
			comment: { box: 'wpHideComment', shown: 'commenthidden' },
			user: { box: 'wpHideUser', shown: 'userhidden' },
			restricted: { box: 'wpHideRestricted', shown: 'suppressed' }
		};

	function field( name ) {
		var input = document.querySelector( 'input[type="hidden"][name="' + name + '"]' );
		return input ? input.value : '';
	}

	function ids() {
		return field( 'ids' ).split( ',' ).map( Number ).filter( function ( id ) {
			return id > 0;
		} );
	}

	function wanted() {
		return ( mw.util.getParamValue( 'tshide' ) || '' ).split( ',' ).filter( function ( part, index, all ) {
			return Object.prototype.hasOwnProperty.call( PARTS, part ) && all.indexOf( part ) === index;
		} );
	}

	/**
	 * Tick a part's box: a check box for one revision, the last of three radio buttons for several.
	 *
	 * @param {string} part
	 * @return {HTMLElement|null} Null where there is none
	 */
	function tick( part ) {
		var box = document.querySelector(
			'input[type="checkbox"][name="' + PARTS[ part ].box + '"], input[type="radio"][name="' + PARTS[ part ].box + '"][value="1"]'
		);
		if ( !box || box.disabled ) {
			return null;
		}
		if ( !box.checked ) {
			box.checked = true;
			box.dispatchEvent( new Event( 'change', { bubbles: true } ) );
		}
		return box;
	}

	function say( key, kind ) {
		var box = document.getElementById( 'tsbot-notice' ) || document.createElement( 'div' ),
			content = document.getElementById( 'mw-content-text' );
		box.id = 'tsbot-notice';
		// The following classes are used here:
		// * mw-message-box-notice
		// * mw-message-box-success
		// * mw-message-box-warning
		box.className = 'mw-message-box mw-message-box-' + kind;
		box.setAttribute( 'role', 'status' );
		box.textContent = gadget.words( key );
		content.insertBefore( box, content.firstChild );
		return box;
	}

	/**
	 * What was sent from this tab for the revisions of this form.
	 *
	 * @return {Object|null}
	 */
	function sent() {
		var note = mw.storage.session.getObject( PLACE );
		return note && note.wiki === mw.config.get( 'wgDBname' ) && Date.now() - note.sent < LATEST &&
			String( note.ids ) === String( ids() ) ? note : null;
	}

	/**
	 * Those of the revisions that were sent of which the wiki now hides all parts.
	 *
	 * @param {Object} note
	 * @return {Promise} Of ids
	 */
	function hiddenOf( note ) {
		var api = new mw.Api();
		return Promise.all( gadget.batches( note.ids, AT_ONCE ).map( function ( some ) {
			return api.get( {
				formatversion: 2, action: 'query', prop: 'revisions', revids: some, rvprop: [ 'ids', 'user', 'comment', 'sha1' ]
			} );
		} ) ).then( function ( answers ) {
			var found = [];
			answers.forEach( function ( answer ) {
				( answer.query.pages || [] ).forEach( function ( page ) {
					( page.revisions || [] ).forEach( function ( revision ) {
						if ( note.parts.every( function ( part ) {
							return revision[ PARTS[ part ].shown ] === true;
						} ) ) {
							found.push( revision.revid );
						}
					} );
				} );
			} );
			return found;
		} );
	}

	function tell( found ) {
		var token = gadget.people.token();
		if ( !token || !found.length ) {
			return Promise.resolve();
		}
		return Promise.all( gadget.batches( found, AT_ONCE ).map( function ( some ) {
			return gadget.client.hidden( token, some );
		} ) ).then( function () {
			mw.storage.session.remove( PLACE );
			say( 'told', 'success' );
		}, function ( problem ) {
			var button = document.createElement( 'button' ),
				box = say( problem, 'warning' );
			button.type = 'button';
			button.textContent = gadget.words( 'again' );
			button.addEventListener( 'click', function () {
				box.remove();
				tell( found );
			} );
			box.appendChild( document.createTextNode( ' ' ) );
			box.appendChild( button );
		} );
	}

	function prepare( parts ) {
		var boxes = parts.map( tick ),
			form = document.getElementsByName( 'wpHidePrimary' )[ 0 ];
		form = form && form.form;
		if ( !form ) {
			return;
		}
		if ( boxes.indexOf( null ) === -1 ) {
			say( 'ticked', 'notice' );
			boxes[ 0 ].focus();
		} else {
			say( parts.indexOf( 'restricted' ) !== -1 && !boxes[ parts.indexOf( 'restricted' ) ] ? 'no-suppression' : 'no-box', 'warning' );
		}
		if ( field( 'type' ) === 'revision' ) {
			form.addEventListener( 'submit', function () {
				// Where this cannot be kept, the wiki's own events tell the console all the same, only later.
				mw.storage.session.setObject( PLACE, { wiki: mw.config.get( 'wgDBname' ), ids: ids(), parts: parts, sent: Date.now() } );
			} );
		}
	}

	/** Do what there is to do on this page. */
	function begin() {
		var parts = wanted(), note;
		if ( parts.length ) {
			prepare( parts );
			return;
		}
		note = sent();
		if ( note ) {
			hiddenOf( note ).then( tell, function () {
				say( 'away', 'warning' );
			} );
		}
	}

	return { begin: begin };
}() );
