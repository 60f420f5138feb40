/**
 * Whoever looks at the page: whether the gadget is for them, and the token with which the console knows them.
 *
 * The groups decide before anything is asked anywhere. They protect nothing (a page's script can be changed by whoever
 * reads the page); the console asks the wiki for itself. They see to it that nobody else asks the console.
 */
gadget.people = ( function () {
	var PLACE = 'tsbot-gadget';

	function entitled() {
		var mine = ( mw.config.get( 'wgUserGroups' ) || [] ).concat( mw.config.get( 'wgGlobalGroups' ) || [] );
		return Boolean( mw.config.get( 'wgUserId' ) ) && gadget.settings.groups.some( function ( group ) {
			return mine.indexOf( group ) !== -1;
		} );
	}

	function forget() {
		mw.storage.remove( PLACE );
	}

	function token() {
		// Storage can be full, switched off or tampered with: then there is no token, and the dialog asks for one.
		var kept = mw.storage.getObject( PLACE ) || {};
		if ( kept.token && kept.user !== mw.config.get( 'wgUserId' ) ) {
			// Somebody else uses this browser now.
			forget();
			return '';
		}
		return typeof kept.token === 'string' ? kept.token : '';
	}

	function keep( value ) {
		return mw.storage.setObject( PLACE, { user: mw.config.get( 'wgUserId' ), token: value } );
	}

	return { entitled: entitled, token: token, keep: keep, forget: forget };
}() );
