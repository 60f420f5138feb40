/**
 * A message in the language of the reader, if there is one, or in English.
 *
 * @param {string} key
 * @return {string}
 */
gadget.words = function ( key ) {
	var language = mw.config.get( 'wgUserLanguage' ) || 'en',
		found = [ language, language.split( '-' )[ 0 ], 'en' ].filter( function ( code ) {
			return gadget.messages[ code ] && gadget.messages[ code ][ key ];
		} )[ 0 ];
	return found ? gadget.messages[ found ][ key ] : key;
};
